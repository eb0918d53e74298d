import { isRunning, textField } from './input.ts';
import { Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** A question that never came to be asked: what it was to be, and why. One that was asked has a card of its own. */
export const AskUserBody: ToolBody = ({ tool }) => (
  <>
    <p className="told">{textField(tool.input, 'question')}</p>
    {!isRunning(tool) && <Output text={tool.output ?? ''} />}
  </>
);
