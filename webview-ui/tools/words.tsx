import { usePanel } from '../context.ts';
import { Icon } from '../icon.tsx';
import { Markdown } from '../transcript/markdown.tsx';
import { isRunning, textField } from './input.ts';
import { Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** A tool by which the agent says something: what it said, as it is read by whom it is for; the answer only where it failed. */
const said =
  (...fields: string[]): ToolBody =>
  ({ tool }) => (
    <>
      {fields.map((field) => {
        const words = textField(tool.input, field);
        return words === '' ? null : <Markdown key={field} text={words} done />;
      })}
      {tool.isError && <Output text={tool.output ?? ''} />}
    </>
  );

export const ReplyBody = said('text');
export const DescribeBody = said('title', 'body');
export const PlanBody = said('plan');
export const ReportBody = said('summary', 'answer');

/** A tool whose answer says all of it. */
export const AnswerBody: ToolBody = ({ tool }) =>
  isRunning(tool) ? null : <Output text={tool.output ?? ''} />;

/** The address as a way there, and what came from it, which is a stranger's word. */
export const FetchBody: ToolBody = ({ tool }) => {
  const { host } = usePanel();
  const url = textField(tool.input, 'url');
  return (
    <>
      {/^https?:\/\//i.test(url) && (
        <button type="button" className="link" onClick={() => host.post({ type: 'openExternal', url })}>
          <Icon name="link-external" />
          <span className="ellipsis">{url}</span>
        </button>
      )}
      {!isRunning(tool) && <Output text={tool.output ?? ''} />}
    </>
  );
};
