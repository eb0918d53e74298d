import { CodeBlock } from '../transcript/code-block.tsx';
import { isRunning } from './input.ts';
import { LiveOutput, Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** A tool that the panel does not know: its input as it is, and its answer. */
export const FallbackBody: ToolBody = ({ tool }) => (
  <>
    <CodeBlock code={JSON.stringify(tool.input, null, 2) ?? ''} language="json" closed />
    {isRunning(tool) ? tool.live && <LiveOutput text={tool.live} /> : <Output text={tool.output ?? ''} />}
  </>
);
