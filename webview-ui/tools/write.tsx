import { languageOf } from '../colours.ts';
import { CodeBlock } from '../transcript/code-block.tsx';
import { FileLink } from './file-link.tsx';
import { pathField, textField } from './input.ts';
import { Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** The content that was written; why it was not, where it failed. */
export const WriteBody: ToolBody = ({ tool }) => {
  const path = pathField(tool);
  return (
    <>
      <FileLink path={path} />
      <CodeBlock code={textField(tool.input, 'content')} language={languageOf(path)} closed />
      {tool.isError && <Output text={tool.output ?? ''} />}
    </>
  );
};
