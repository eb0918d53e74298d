import { isRunning, textField } from './input.ts';
import { LiveOutput, Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** The command as it was given, and what it printed or is printing. */
export const BashBody: ToolBody = ({ tool }) => (
  <>
    <pre className="command">
      <span className="prompt" aria-hidden="true">
        ${' '}
      </span>
      {textField(tool.input, 'command')}
    </pre>
    {isRunning(tool) ? tool.live && <LiveOutput text={tool.live} /> : <Output text={tool.output ?? ''} />}
  </>
);
