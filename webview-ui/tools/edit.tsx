import { FileLink } from './file-link.tsx';
import { pathField, textField } from './input.ts';
import { Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** What was taken out and what was put in; the whole difference is the review's business. */
export const EditBody: ToolBody = ({ tool }) => (
  <>
    <FileLink path={pathField(tool)} />
    <div className="output replacement">
      <Lines sign="-" text={textField(tool.input, 'oldText')} />
      <Lines sign="+" text={textField(tool.input, 'newText')} />
    </div>
    {tool.isError && <Output text={tool.output ?? ''} />}
  </>
);

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
