import assert from 'node:assert/strict';
import type { NextTry, Wish } from '../../../../extension/github/ask-way-on.ts';
import { makeCommits } from '../../../../extension/github/make-commits.ts';
import { RelayError } from '../../../../server/protocol/client.ts';
import type {
  AskPreflight,
  MakeCommits,
  Preflight,
  SecretFinding,
} from '../../../../server/protocol/publish.ts';

describe('making the commits of what was accepted', () => {
  const secret: SecretFinding = {
    fingerprint: 'f'.repeat(64),
    path: 'own.env',
    line: 1,
    rule: 'token',
    masked: 'gh…',
  };
  const seen: Preflight = {
    forge: 'github',
    base: {},
    head: { branch: 'handoff/x' },
    workflows: [],
    secrets: [],
    title: 'Title',
    body: '',
    problems: [],
  };
  const wish: Wish = {
    title: 'Title',
    body: '',
    draft: true,
    uncommitted: 'leave-out',
    sign: false,
    allowWorkflows: false,
    allowedSecrets: [],
  };
  const who = { acceptedTree: 'a'.repeat(40), author: { name: 'Ada', email: 'ada@example.com' } };

  it('shows the secrets of the person’s own work, once that is included, so that they can be allowed', async () => {
    const made = { commit: 'c'.repeat(40), bundle: new Uint8Array() };
    const client = {
      async commitBundle(_taskId: string, { uncommitted, allowedSecrets }: MakeCommits) {
        if (uncommitted !== 'include') throw new RelayError('uncommitted_conflict', 'It is built on.');
        if (!allowedSecrets?.includes(secret.fingerprint)) throw new RelayError('secrets_found', 'Secrets.');
        return made;
      },
      preflight: async (_taskId: string, { uncommitted }: AskPreflight) => ({
        ...seen,
        secrets: uncommitted === 'include' ? [secret] : [],
      }),
    };
    const told: [code: string, secrets: SecretFinding[]][] = [];
    const answer = await makeCommits(
      client,
      { taskId: 't', ...who },
      { wish, preflight: seen },
      async (_taskId, wanted, { failure, preflight }): Promise<NextTry> => {
        told.push([failure.code, preflight.secrets]);
        assert.ok(told.length < 3, 'it goes round in a circle');
        const allowedSecrets = preflight.secrets.map(({ fingerprint }) => fingerprint);
        return { wish: { ...wanted, uncommitted: 'include', allowedSecrets } };
      },
    );
    assert.deepEqual(answer, made);
    assert.deepEqual(told, [
      ['uncommitted_conflict', []],
      ['secrets_found', [secret]],
    ]);
  });
});
