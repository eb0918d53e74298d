import assert from 'node:assert/strict';
import { failureOf, toSandboxError } from '../../../server/sandbox/daytona/failures.ts';

/** As the SDK throws: a class for each status, the answer's headers, and in its depths more than anybody should see. */
function thrown(
  name: string,
  more: { message?: string; statusCode?: number; headers?: Record<string, string> },
) {
  const error = new Error(more.message ?? 'words', { cause: { headers: { Authorization: 'Bearer key-1' } } });
  return Object.assign(error, { name, ...more });
}
const NOW = Date.parse('2026-01-01T00:00:00Z');
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

describe('a failure of Daytona', () => {
  for (const [what, error, code] of [
    ['no answer', thrown('DaytonaConnectionError', {}), 'busy'],
    ['no answer in time', thrown('DaytonaConnectionTimeoutError', {}), 'busy'],
    ['a state that does not come', thrown('DaytonaTimeoutError', {}), 'busy'],
    ['an argument that the SDK refuses', thrown('DaytonaInvalidArgumentError', {}), 'failed'],
    ['something else', new TypeError('x is undefined'), 'busy'],
    ['nothing that is an error', 'words', 'busy'],
    ['400', thrown('DaytonaValidationError', { statusCode: 400 }), 'failed'],
    ['401', thrown('DaytonaAuthenticationError', { statusCode: 401 }), 'unavailable'],
    ['402', thrown('DaytonaError', { statusCode: 402 }), 'unavailable'],
    ['403', thrown('DaytonaAuthorizationError', { statusCode: 403 }), 'unavailable'],
    ['404 of the API', thrown('DaytonaNotFoundError', { statusCode: 404, headers: JSON_TYPE }), 'not-found'],
    ['404 of a proxy', thrown('DaytonaNotFoundError', { statusCode: 404, headers: {} }), 'busy'],
    ['408', thrown('DaytonaTimeoutError', { statusCode: 408 }), 'busy'],
    ['409', thrown('DaytonaConflictError', { statusCode: 409 }), 'exists'],
    ['422', thrown('DaytonaUnprocessableEntityError', { statusCode: 422 }), 'failed'],
    ['429', thrown('DaytonaRateLimitError', { statusCode: 429 }), 'busy'],
    ['500', thrown('DaytonaInternalServerError', { statusCode: 500 }), 'busy'],
    ['504', thrown('DaytonaTimeoutError', { statusCode: 504 }), 'busy'],
  ] as const)
    it(`is told as ${code}: ${what}`, () => {
      assert.equal(toSandboxError(failureOf(error, [], NOW), 'do it').code, code);
    });

  for (const [what, headers, expected] of [
    ['seconds', { 'retry-after': '3' }, 3_000],
    ['a date', { 'Retry-After': 'Thu, 01 Jan 2026 00:00:09 GMT' }, 9_000],
    ['a limit’s own header, the longest', { 'retry-after-a': '2', 'retry-after-b': '5' }, 5_000],
    ['a date that is past', { 'retry-after': 'Thu, 01 Jan 2025 00:00:00 GMT' }, undefined],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['nothing', {}, undefined],
  ] as const)
    it(`asks for patience by ${what}`, () => {
      const { retryAfter } = failureOf(
        thrown('DaytonaRateLimitError', { statusCode: 429, headers }),
        [],
        NOW,
      );
      assert.equal(retryAfter, expected);
    });

  it('passes on a sentence: short, in one line, whole letters, without the key and without a page', () => {
    const words = (message: string): string =>
      failureOf(thrown('DaytonaError', { message, statusCode: 400 }), ['key-1'], NOW).words;
    assert.deepEqual(
      [words('a\n  b key-1'), words(' <!doctype html>…'), words(`${'x'.repeat(299)}🙂`), words('')],
      ['a b ***', '', `${'x'.repeat(299)}\uFFFD`, ''],
    );
  });

  it('has nothing of the request in its depths', () => {
    const error = toSandboxError(
      failureOf(thrown('DaytonaError', { statusCode: 400 }), ['key-1'], NOW),
      'do it',
    );
    const { cause } = error;
    assert.ok(cause instanceof Error);
    assert.deepEqual(
      [error.message, cause.message, cause.cause, Object.keys(cause)],
      ['Daytona refuses this (to do it): words.', 'HTTP 400: words', undefined, []],
    );
  });
});
