import { FileLink } from './file-link.tsx';
import { numberField, pathField } from './input.ts';
import { Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** The lines that were read, numbered as the model saw them. */
export const ReadBody: ToolBody = ({ tool }) => (
  <>
    <FileLink path={pathField(tool)} line={numberField(tool.input, 'offset')} />
    {tool.output !== undefined && <Output text={tool.output} />}
  </>
);
