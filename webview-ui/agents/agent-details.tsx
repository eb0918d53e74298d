import type { ReactNode } from 'react';
import type { AgentCard, AgentResult, Fact, Finding, Merged } from '../../server/protocol/agents.ts';
import { useSelect } from '../context.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';
import { FileLink } from '../tools/file-link.tsx';
import { isRunning, textField } from '../tools/input.ts';
import { Output } from '../tools/output.tsx';
import { Markdown } from '../transcript/markdown.tsx';
import { type AgentItem, agentName, factWords } from './card-words.ts';

const text = strings.agents;

/** What a subagent was told, what it did, and what it handed up. */
export function AgentDetails({ tool, transcript }: { tool: AgentItem; transcript: ReactNode }) {
  const { result, error, facts, merged } = tool.agent;
  return (
    <>
      <p className="told">{textField(tool.input, 'prompt')}</p>
      {transcript}
      {error?.nextAction !== undefined && <p>{error.nextAction}</p>}
      {result !== undefined && <Result result={result} />}
      {result === undefined && error === undefined && !isRunning(tool) && <Output text={tool.output ?? ''} />}
      {merged !== undefined && <MergedFiles merged={merged} />}
      {facts.length > 0 && <Facts facts={facts} />}
    </>
  );
}

function Result({ result }: { result: AgentResult }) {
  const { kind, summary } = result;
  return (
    <div className="agent-result">
      <Markdown text={summary} done />
      {kind === 'explorer' && result.answer !== summary && <Markdown text={result.answer} done />}
      {kind === 'executor' &&
        result.checks.map(({ command, outcome }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: one may have been run twice, and the list is whole
          <p key={index} className={`agent-check check-${outcome}`}>
            <Icon name={outcome === 'passed' ? 'pass' : 'error'} />
            <code>{command}</code> {strings.checks[outcome]}
          </p>
        ))}
      {kind === 'reviewer' && <Findings findings={result.findings} />}
    </div>
  );
}

function Findings({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) return <p className="dim">{text.noFindings}</p>;
  return (
    <Places label={text.findings}>
      {findings.map(({ path, startLine, severity, text: says }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a result is whole, and never changes
        <li key={index} className={`finding finding-${severity}`}>
          <span className="finding-severity">{text.severity[severity]}</span>
          <FileLink path={path} line={startLine} />
          <p>{says}</p>
        </li>
      ))}
    </Places>
  );
}

/** The files that its work came to in its parent's workspace; those with conflicts first. */
function MergedFiles({ merged: { changed, conflicts, isDiscarded } }: { merged: Merged }) {
  if (isDiscarded || changed.length + conflicts.length === 0) return null;
  const clean = changed.filter((path) => !conflicts.includes(path));
  return (
    <Places label={text.merged}>
      {conflicts.map((path) => (
        <li key={path} className="agent-conflict">
          <FileLink path={path} /> <span className="dim">{text.conflict}</span>
        </li>
      ))}
      {clean.map((path) => (
        <li key={path}>
          <FileLink path={path} />
        </li>
      ))}
    </Places>
  );
}

/** What its answer rests on; what somebody has changed since is marked, with who did. */
function Facts({ facts }: { facts: AgentCard['facts'] }) {
  const task = useSelect((state) => state.task);
  return (
    <Places label={text.facts}>
      {facts.map((fact: Fact, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: facts keep their places; two may be of the same lines
        <li key={index} className={fact.stale === undefined ? 'fact' : 'fact fact-stale'}>
          <FileLink path={fact.path} line={fact.startLine} />{' '}
          <span className="dim">{factWords(fact, (id) => agentName(task, id))}</span>
        </li>
      ))}
    </Places>
  );
}

function Places({ label, children }: { label: string; children: ReactNode }) {
  return (
    <section className="agent-places" aria-label={label}>
      <p className="dim">{label}</p>
      <ul>{children}</ul>
    </section>
  );
}
