import { FileLink } from './file-link.tsx';
import { field, pathField, textField } from './input.ts';
import { Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** What was taken out and what was put in; the whole difference is the review's business. */
export const EditBody: ToolBody = ({ tool }) => (
  <>
    <FileLink path={pathField(tool)} />
    {editsOf(tool.input).map((edit, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the edits of a call never change
      <div className="output replacement" key={index}>
        <Lines sign="-" text={textField(edit, 'oldText')} />
        <Lines sign="+" text={textField(edit, 'newText')} />
      </div>
    ))}
    {tool.isError && <Output text={tool.output ?? ''} />}
  </>
);

/** The edits of a call: those of a list, or the one that it is itself. */
function editsOf(input: unknown): unknown[] {
  const edits = field(input, 'edits');
  return Array.isArray(edits) ? edits : [input];
}

function Lines({ sign, text }: { sign: '+' | '-'; text: string }) {
  if (text === '') return null;
  const Tag = sign === '+' ? 'ins' : 'del';
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    <pre className={sign === '+' ? 'inserted' : 'removed'}>
      <Tag>{lines.map((line) => `${sign} ${line}`).join('\n')}</Tag>
    </pre>
  );
}
