import { type KeyboardEvent, useId } from 'react';
import type { Answer } from '../../server/protocol/commands.ts';
import type { Item } from '../../server/protocol/task.ts';
import { answerQuestion } from '../actions.ts';
import { isUnderway } from '../commands.ts';
import { usePanel, useSelect } from '../context.ts';
import { fieldOf } from '../fields.ts';
import { Icon } from '../icon.tsx';
import { strings } from '../strings.ts';
import { Markdown } from './markdown.tsx';

type QuestionItem = Extract<Item, { kind: 'question' }>;
const text = strings.question;

/** What the agent needs the person for: a card to answer, and a quiet line once that has been done. */
export function Question({ item }: { item: QuestionItem }) {
  return item.answer === undefined ? <Open item={item} /> : <Answered item={item} answer={item.answer} />;
}

/** The answer that was chosen is marked while it is on its way; nothing can be pressed until it came back. */
function Open({ item: { questionId, question, options, freeText, about } }: { item: QuestionItem }) {
  const panel = usePanel();
  const label = useId();
  const command = useSelect((state) => state.commands[questionId]);
  const typed = useSelect((state) => fieldOf(state.fields, state.task, questionId) ?? '');
  const busy = isUnderway(command);
  const given = command?.kind === 'answer' && busy ? command.answer : undefined;
  const sendTyped = () => {
    if (typed.trim() !== '') answerQuestion(panel, questionId, { kind: 'text', text: typed.trim() });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    sendTyped();
  };
  return (
    <section className="question" aria-labelledby={label} aria-busy={busy}>
      <div className="question-head" id={label}>
        <Icon name={about === 'plan' ? 'list-ordered' : 'question'} />
        <Asked question={question} about={about} />
      </div>
      {options.length > 0 && (
        <ul className="options" aria-label={text.options}>
          {options.map((option) => (
            <li key={option.label}>
              <button
                type="button"
                className="option"
                aria-disabled={busy}
                onClick={() => answerQuestion(panel, questionId, { kind: 'choice', label: option.label })}
              >
                <span className="option-label">
                  {option.label}
                  {given?.kind === 'choice' && given.label === option.label && <Icon name="loading" spin />}
                </span>
                {option.description !== undefined && (
                  <span className="option-description">{option.description}</span>
                )}
              </button>
            </li>
          ))}
        </ul>
      )}
      {freeText && (
        <div className="question-text">
          <textarea
            className="field"
            rows={2}
            value={typed}
            readOnly={busy}
            aria-label={text.own}
            placeholder={text.own}
            onChange={({ target }) =>
              panel.store.dispatch({ type: 'fieldEdited', id: questionId, text: target.value })
            }
            onKeyDown={onKeyDown}
          />
          <button type="button" className="button" disabled={busy || typed.trim() === ''} onClick={sendTyped}>
            {given?.kind === 'text' && <Icon name="loading" spin />}
            {text.answer}
          </button>
        </div>
      )}
      {command?.failure && (
        <div className="alert alert-error" role="alert">
          <Icon name="error" />
          <div className="alert-text">
            <strong>
              {text.failed} {command.failure.message}
            </strong>
            {command.failure.nextAction && <p>{command.failure.nextAction}</p>}
          </div>
        </div>
      )}
    </section>
  );
}

/** A plan stands under a heading of its own: it is long, and no question by its words. */
function Asked({ question, about }: Pick<QuestionItem, 'question' | 'about'>) {
  return (
    <div className="asked">
      {about === 'plan' ? <h3>{text.plan}</h3> : <span className="visually-hidden">{text.asks}: </span>}
      <Markdown text={question} done />
    </div>
  );
}

function Answered({ item: { question, about }, answer }: { item: QuestionItem; answer: Answer }) {
  return (
    <div className="answered">
      <Icon name={about === 'plan' ? 'list-ordered' : 'question'} />
      <div>
        {about === 'plan' && <h3>{text.plan}</h3>}
        <Markdown text={question} done />
        <p>
          {answer.kind === 'dismissed' ? (
            text.dismissed
          ) : (
            <>
              {text.answered}: <strong>{answer.kind === 'choice' ? answer.label : answer.text}</strong>
            </>
          )}
        </p>
      </div>
    </div>
  );
}
