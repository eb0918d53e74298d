/** Why something was not fetched. The message is for the model and says what to do; it may quote the server. */
export class FetchProblem extends Error {
  override readonly name = 'FetchProblem';
}
