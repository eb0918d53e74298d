import assert from 'node:assert/strict';
import type { AskOptions } from '../../../server/cli/ask.ts';
import { answerTask } from '../../../server/cli/commands/tasks-answer.ts';
import { openQuestion, questionText, readAnswer } from '../../../server/cli/question.ts';
import { createQuestionDesk } from '../../../server/cli/question-desk.ts';
import { RelayError } from '../../../server/protocol/client.ts';
import type { Answer, AnswerQuestion, Question } from '../../../server/protocol/commands.ts';
import type { NewEvent, TaskEvent } from '../../../server/protocol/events.ts';
import { emptyTask, reduce } from '../../../server/protocol/reduce.ts';
import { recordTerminal } from './terminal.ts';

const question: Question = {
  questionId: 'q1',
  question: 'How should strings be read?',
  options: [{ label: 'Convert', description: 'Half a cent up.' }, { label: 'Refuse' }],
  freeText: true,
};
const strict: Question = { ...question, freeText: false };
const TEXT = '? How should strings be read?\n  1. Convert: Half a cent up.\n  2. Refuse\n';
const asked: NewEvent = { type: 'question.asked', turnId: 'u', ...question };
const answeredBy = (answer: Answer): NewEvent => ({
  type: 'question.answered',
  turnId: 'u',
  questionId: 'q1',
  answer,
});

const numbered = (events: NewEvent[]): TaskEvent[] =>
  events.map((event, index) => ({ ...event, seq: index + 1, at: 0 }));
const taskOf = (...events: NewEvent[]) =>
  numbered([{ type: 'turn.started', turnId: 'u' }, ...events]).reduce(reduce, emptyTask('t1'));

describe('a question in a terminal', () => {
  it('is shown with its options numbered, and controls nothing', () => {
    assert.equal(questionText(question), TEXT);
    assert.equal(questionText({ ...question, question: '\u001b[2Jok', options: [] }), '? [2Jok\n');
  });

  const answers: [Question, string, Answer][] = [
    [question, '2', { kind: 'choice', label: 'Refuse' }],
    [question, ' convert ', { kind: 'choice', label: 'Convert' }],
    [question, '3', { kind: 'text', text: '3' }],
    [question, 'Leave them out', { kind: 'text', text: 'Leave them out' }],
    [strict, '1', { kind: 'choice', label: 'Convert' }],
  ];
  for (const [of, typed, answer] of answers)
    it(`takes "${typed}" for ${answer.kind}`, () => assert.deepEqual(readAnswer(of, typed), answer));

  for (const typed of ['3', '0', 'maybe', '  ']) {
    it(`refuses "${typed}" where one of the options is wanted, and names them`, () => {
      assert.throws(() => readAnswer(strict, typed), {
        name: 'CliError',
        message: typed.trim() === '' ? 'An answer must not be empty.' : `"${typed}" is none of the answers.`,
        nextAction: `Answer with 1-2:\n${TEXT.trimEnd()}`,
      });
    });
  }

  it('is the one that nobody has answered', () => {
    assert.deepEqual(openQuestion(taskOf(asked)), question);
    assert.equal(openQuestion(taskOf(asked, answeredBy({ kind: 'dismissed' }))), undefined);
  });
});

describe('answering while a task runs', () => {
  /** A desk with a person who types these lines, one an asking, and a relay that answers as told. */
  function sit(lines: (string | undefined)[] | undefined, refuse: () => Error | undefined = () => undefined) {
    const seen = { err: '', answers: [] as AnswerQuestion[], asked: 0 };
    let settled = () => {};
    const done = new Promise<void>((resolve) => (settled = resolve));
    const ask = async (text: string, { signal }: AskOptions): Promise<string | undefined> => {
      seen.err += `${text}\n`;
      seen.asked += 1;
      if (lines?.length) return lines.shift();
      return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(undefined)));
    };
    const desk = createQuestionDesk({
      client: {
        answer: async (_id, body) => {
          const error = refuse();
          if (error) throw error;
          seen.answers.push(body);
          settled();
          return { questionId: body.questionId, turnId: 'u' };
        },
      },
      taskId: 't1',
      err: (text) => {
        seen.err += text;
        if (text.includes('tasks answer')) settled();
      },
      ask: lines && ask,
    });
    return { desk, seen, done };
  }
  const HOW =
    'The task waits for an answer: give it in VS Code, or with npm start -- tasks answer t1 "<answer>"\n';
  const [event] = numbered([asked]);
  assert.ok(event);

  it('asks the person, again after an answer that is none, and tells the relay', async () => {
    const { desk, seen, done } = sit(['', '2']);
    desk.see(event);
    await done;
    assert.deepEqual(seen, {
      err: `${TEXT}1-2, or your own words> \nhandoff: An answer must not be empty. Answer with 1-2, or your own words:\n${TEXT.trimEnd()}\n1-2, or your own words> \n`,
      answers: [{ questionId: 'q1', answer: { kind: 'choice', label: 'Refuse' } }],
      asked: 2,
    });
  });

  it('asks again when the relay could not take the answer', async () => {
    const errors = [new RelayError('unreachable', 'Nobody there.', { nextAction: 'Wait.' })];
    const { desk, seen, done } = sit(['1', '1'], () => errors.shift());
    desk.see(event);
    await done;
    assert.deepEqual([seen.asked, seen.answers.length], [2, 1]);
    assert.ok(seen.err.includes('handoff: Nobody there. Wait.\n'));
  });

  it('takes the question back when it was answered elsewhere', async () => {
    const { desk, seen } = sit([]);
    desk.see(event);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(seen.asked, 1);
    for (const answered of numbered([asked, answeredBy({ kind: 'choice', label: 'Convert' })]).slice(1))
      desk.see(answered);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(seen, {
      err: `${TEXT}1-2, or your own words> \n  answered: Convert\n`,
      answers: [],
      asked: 1,
    });
  });

  it('goes on without an answer where the person ends the input, and says how to give it', async () => {
    const { desk, seen, done } = sit([undefined]);
    desk.see(event);
    await done;
    assert.deepEqual(seen, { err: `${TEXT}1-2, or your own words> \n${HOW}`, answers: [], asked: 1 });
  });

  it('says how to answer where nobody can be asked', () => {
    const { desk, seen } = sit(undefined);
    desk.see(event);
    assert.deepEqual(seen, { err: TEXT + HOW, answers: [], asked: 0 });
  });
});

describe('tasks answer', () => {
  const relayWith = (task: ReturnType<typeof taskOf>, sent: AnswerQuestion[] = [], error?: Error) => {
    return async () => ({
      getTask: async () => task,
      answer: async (_id: string, body: AnswerQuestion) => {
        if (error) throw error;
        sent.push(body);
        return { questionId: body.questionId, turnId: 'u' };
      },
    });
  };

  it('answers the open question by number or words', async () => {
    const terminal = recordTerminal();
    const sent: AnswerQuestion[] = [];
    await answerTask(relayWith(taskOf(asked), sent), ['t1', '1'], terminal);
    assert.deepEqual(
      { sent, err: terminal.written.err },
      {
        sent: [{ questionId: 'q1', answer: { kind: 'choice', label: 'Convert' } }],
        err: 'Answered: Convert\n',
      },
    );
  });

  it('says so where nothing is asked, or somebody was faster', async () => {
    await assert.rejects(answerTask(relayWith(taskOf()), ['t1', '1'], recordTerminal()), {
      name: 'CliError',
      message: 'Task t1 asks nothing now.',
    });
    const closed = new RelayError('question_closed', 'Closed.', { status: 409 });
    await assert.rejects(answerTask(relayWith(taskOf(asked), [], closed), ['t1', '1'], recordTerminal()), {
      name: 'CliError',
      message: 'The question was answered meanwhile.',
    });
  });
});
