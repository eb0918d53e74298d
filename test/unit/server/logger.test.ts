import assert from 'node:assert/strict';
import { createLogger } from '../../../server/logger.ts';

describe('the log', () => {
  it('says of an error what happened, and nothing that hangs on it', () => {
    const lines: string[] = [];
    const logger = createLogger('info', { write: (line) => void lines.push(line) });
    const cause = Object.assign(new Error('refused'), {
      code: 'ECONNREFUSED',
      client: { password: 'canary' },
    });
    const error = Object.assign(new TypeError('lost', { cause }), { request: { token: 'canary' } });
    logger.warn({ err: error }, 'a connection was lost');
    const [line = ''] = lines;
    assert.ok(!line.includes('canary'));
    const { err, msg, level } = JSON.parse(line);
    assert.deepEqual(
      { msg, level, type: err.type, message: err.message, cause: [err.cause.code, err.cause.message] },
      {
        msg: 'a connection was lost',
        level: 40,
        type: 'TypeError',
        message: 'lost',
        cause: ['ECONNREFUSED', 'refused'],
      },
    );
    assert.match(err.stack, /logger\.test\.ts/);
  });
});
