import { Markdown } from '../transcript/markdown.tsx';
import { isRunning, textField } from './input.ts';
import { Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** A subagent: what it was told, what it did, and what it made of it. */
export const TaskBody: ToolBody = ({ tool, transcript }) => (
  <>
    <p className="told">{textField(tool.input, 'prompt')}</p>
    {transcript}
    {!isRunning(tool) &&
      (tool.isError ? <Output text={tool.output ?? ''} /> : <Markdown text={tool.output ?? ''} done />)}
  </>
);
