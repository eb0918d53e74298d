import { type RelayClient, RelayError } from '../../protocol/client.ts';
import { CliError, type Terminal, UsageError } from '../command.ts';
import { answerText, openQuestion, readAnswer } from '../question.ts';

/**
 * `tasks answer <task> <text-or-number>`: answers the question that the task waits with.
 * @throws {CliError} where it asks nothing, or the answer is none of those that it offers
 */
export async function answerTask(
  connect: () => Promise<Pick<RelayClient, 'getTask' | 'answer'>>,
  [taskId, answer, ...more]: string[],
  { err }: Terminal,
): Promise<void> {
  if (taskId === undefined || answer === undefined) {
    throw new UsageError('tasks answer needs the task and the answer: tasks answer ID "<text or number>"');
  }
  if (more.length > 0) throw new UsageError(`put the answer into quotes; "${more[0]}" came after it`);
  const client = await connect();
  const question = openQuestion(await client.getTask(taskId));
  if (question === undefined) {
    throw new CliError(`Task ${taskId} asks nothing now.`, `See how it stands: npm start -- tasks ${taskId}`);
  }
  const given = readAnswer(question, answer);
  try {
    await client.answer(taskId, { questionId: question.questionId, answer: given });
  } catch (error) {
    if (!(error instanceof RelayError && error.code === 'question_closed')) throw error;
    throw new CliError(
      'The question was answered meanwhile.',
      `See how: npm start -- tasks ${taskId}`,
      error,
    );
  }
  err(`Answered: ${answerText(given)}\n`);
}
