/** The identity of an agent's `n`th answer, and of the calls in it. */
export const messageIdOf = (agent: { id: string }, n: number): string => `${agent.id}:m${n}`;
export const callIdOf = (messageId: string, index: number): string => `${messageId}c${index}`;
