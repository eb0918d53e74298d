import assert from 'node:assert/strict';
import { AppError } from '../../../server/errors.ts';
import { assertConsent, inspectPush, refusals } from '../../../server/guard/push-guard.ts';
import { treeOf } from '../../../server/repo/repository.ts';
import {
  commitAll,
  type Files,
  git,
  makeProposal,
  temporaryFolder,
  writeFiles,
} from '../repo/repositories.ts';

const token = (seed: string): string => `ghp_${seed.repeat(36).slice(0, 36)}`;
const [OLD, NEW] = [token('oLd1'), token('nEw2')];

const NO_WORDS = { title: '', body: '' };

async function findings(base: Files, head: Files, text = NO_WORDS) {
  using folder = temporaryFolder();
  const { deps, taskId, baseCommit, baseTree, headTree } = await makeProposal(folder.path, base, head);
  return await inspectPush(deps, taskId, { baseCommit, baseTree, pushedTree: headTree }, text);
}

const places = ({ secrets }: Awaited<ReturnType<typeof findings>>) =>
  secrets.map(({ path, line, rule }) => `${path}:${line} ${rule}`);

describe('the guard of a push', () => {
  it('looks at added lines only', async () => {
    const found = await findings(
      { 'a.txt': `${OLD}\n1\n2\n3\n`, 'gone.txt': `${OLD}\n` },
      { 'a.txt': `${OLD}\n1\n2\nthree ${NEW}\n`, 'gone.txt': null, 'moved.txt': 'x\n' },
    );
    assert.deepEqual(places(found), ['a.txt:4 github-token']);
  });

  it('looks into what is no text, or in another encoding', async () => {
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`one\r\n${NEW}\r\n`, 'utf16le')]);
    const found = await findings(
      { 'kept.bin': 'x', 'other.bin': 'x' },
      {
        'kept.bin': Buffer.from(`\0\0\n\n${OLD}\0`),
        'utf16.txt': utf16,
        'latin1.txt': Buffer.from(`caf\xe9 ${NEW}\n`, 'latin1'),
      },
    );
    assert.deepEqual(places(found).sort(), [
      'kept.bin:3 github-token',
      'latin1.txt:1 github-token',
      'utf16.txt:2 github-token',
    ]);
  });

  it('looks through files of any size without holding them, also over the edges of pieces', async () => {
    const filler = `${'lorem ipsum '.repeat(100)}\n`.repeat(900);
    const found = await findings(
      { 'a.txt': 'x' },
      { 'large.txt': `${filler.repeat(8)}${NEW}\n${filler}${OLD}\n` },
    );
    assert.deepEqual(places(found), ['large.txt:7201 github-token', 'large.txt:8102 github-token']);
  });

  it('looks into a file in a link’s place, and at where a link leads', async () => {
    const found = await findings(
      { 'was-link': { link: 'a' }, 'was-file': 'x\n' },
      { 'was-link': `${NEW}\n`, 'was-file': { link: OLD } },
    );
    assert.deepEqual(places(found).sort(), ['was-file:1 github-token', 'was-link:1 github-token']);
  });

  it('names new files that are secret by their name, and what runs by itself', async () => {
    const found = await findings(
      { '.env': 'A=1\n', '.circleci/config.yml': 'x\n' },
      {
        '.env': 'A=2\n',
        id_rsa: 'x\n',
        '.circleci/config.yml': null,
        '.github/workflows/a.yml': 'on: push\n',
      },
    );
    assert.deepEqual(places(found), ['id_rsa:1 key-file']);
    assert.deepEqual(found.workflows, ['.circleci/config.yml', '.github/workflows/a.yml']);
  });

  it('looks at each commit, for what a later one removes is in the history all the same', async () => {
    using folder = temporaryFolder();
    const made = await makeProposal(folder.path, { 'a.txt': 'a\n' }, { 'a.txt': `${OLD}\n` });
    const { deps, taskId, baseCommit, baseTree, headTree, clone, repo } = made;
    writeFiles(clone, { 'a.txt': 'clean\n' });
    const commit = commitAll(clone, 'clean');
    git(repo, ['fetch', '--quiet', clone, `${commit}:refs/test/clean`]);
    const pushedTree = await treeOf(deps, taskId, commit);
    const plan = { baseCommit, baseTree, uncommittedTree: headTree, pushedTree };
    assert.deepEqual(places(await inspectPush(deps, taskId, plan, NO_WORDS)), ['a.txt:1 github-token']);
  });

  it('looks into files whose names are not UTF-8, and into one in a submodule’s place', async () => {
    using folder = temporaryFolder();
    const made = await makeProposal(folder.path, { 'a.txt': 'a\n' }, {});
    const { deps, taskId, baseCommit, repo } = made;
    const treeWith = (entries: (string | Buffer)[]): string =>
      git(repo, ['mktree', '-z', '--missing'], Buffer.concat(entries.map((entry) => Buffer.from(entry))));
    const blob = git(repo, ['hash-object', '-w', '--stdin'], `one\n${NEW}\n`);
    const link = (name: string): string => `160000 commit ${baseCommit}\t${name}\0`;
    const baseTree = treeWith([link('was-module')]);
    const pushedTree = treeWith([
      Buffer.from(`100644 blob ${blob}\tcaf\xe9.txt\0`, 'latin1'),
      link('module'),
      `100644 blob ${blob}\twas-module\0`,
    ]);
    const found = await inspectPush(deps, taskId, { baseCommit, baseTree, pushedTree }, NO_WORDS);
    assert.deepEqual(places(found), ['caf\uFFFD.txt:2 github-token', 'was-module:2 github-token']);
  });

  it('looks into the words that go along', async () => {
    const text = { title: `Use ${OLD}`, body: `Why:\n${NEW}` };
    const found = await findings({ a: 'a\n' }, { a: 'b\n' }, text);
    assert.deepEqual(places(found), ['(description):1 github-token', '(description):4 github-token']);
    assert.throws(() => assertConsent(found, { allowWorkflows: true, allowedSecrets: [] }), {
      code: 'secrets_found',
    });
    const allowedSecrets = found.secrets.map(({ fingerprint }) => fingerprint);
    assertConsent(found, { allowWorkflows: true, allowedSecrets });
  });

  it('lets nothing pass where there is more than is told of, whatever is allowed', async () => {
    const tokens = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, index) => `${token(`k${from + index}z`)}\n`).join('');
    const codeOf = async (head: Files): Promise<unknown[]> => {
      const found = await findings({ 'a.txt': 'a\n' }, head);
      const allowedSecrets = found.secrets.map(({ fingerprint }) => fingerprint);
      const [refused] = refusals(found, { allowWorkflows: true, allowedSecrets });
      return [found.secrets.length, found.isTruncated, refused?.code];
    };
    assert.deepEqual(await codeOf({ 'a.txt': tokens(100, 600) }), [500, false, undefined]);
    assert.deepEqual(await codeOf({ 'a.txt': tokens(100, 601) }), [500, true, 'secrets_found']);
    assert.deepEqual(await codeOf({ 'a.txt': tokens(100, 400), 'b.txt': tokens(100, 400) }), [
      500,
      true,
      'secrets_found',
    ]);
  });

  it('lets pass what the person has said yes to, and nothing else', async () => {
    const found = await findings({}, { 'a.txt': `${OLD}\n${NEW}\n`, Jenkinsfile: 'x\n' });
    const all = found.secrets.map(({ fingerprint }) => fingerprint);
    const code = (consent: Parameters<typeof assertConsent>[1]): string => {
      try {
        assertConsent(found, consent);
        return 'passed';
      } catch (error) {
        return error instanceof AppError ? error.code : 'thrown';
      }
    };
    assert.deepEqual(
      [
        code({ allowWorkflows: true, allowedSecrets: all.slice(1) }),
        code({ allowWorkflows: false, allowedSecrets: all }),
        code({ allowWorkflows: true, allowedSecrets: all }),
      ],
      ['secrets_found', 'workflows_need_consent', 'passed'],
    );
    assert.deepEqual(await findings({ a: 'a\n' }, { a: 'b\n' }), {
      workflows: [],
      secrets: [],
      isTruncated: false,
    });
  });
});
