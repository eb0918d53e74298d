import assert from 'node:assert/strict';
import { AppError } from '../../../server/errors.ts';
import { assertConsent, inspectPush } from '../../../server/guard/push-guard.ts';
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

async function findings(base: Files, head: Files) {
  using folder = temporaryFolder();
  const { deps, taskId, baseCommit, baseTree, headTree } = await makeProposal(folder.path, base, head);
  return await inspectPush(deps, taskId, { baseCommit, baseTree, pushedTree: headTree });
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
    assert.deepEqual(places(await inspectPush(deps, taskId, plan)), ['a.txt:1 github-token']);
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
    assert.deepEqual(await findings({ a: 'a\n' }, { a: 'b\n' }), { workflows: [], secrets: [] });
  });
});
