import assert from 'node:assert/strict';
import { readTemplate } from '../../../server/repo/pull-request-template.ts';
import { type Files, makeProposal, temporaryFolder } from './repositories.ts';

async function templateOf(files: Files): Promise<string | undefined> {
  using folder = temporaryFolder();
  const { deps, taskId, baseTree } = await makeProposal(
    folder.path,
    { 'a.txt': 'a\n', ...files },
    { 'a.txt': 'b\n' },
  );
  return await readTemplate(deps, taskId, baseTree);
}

describe('a repository’s template for pull requests', () => {
  for (const [where, files, expected] of [
    ['in .github', { '.github/PULL_REQUEST_TEMPLATE.md': 'A', 'docs/pull_request_template.md': 'B' }, 'A'],
    [
      'at the root, before docs',
      { 'pull_request_template.md': 'A', 'docs/PULL_REQUEST_TEMPLATE.md': 'B' },
      'A',
    ],
    ['in docs', { 'docs/Pull_Request_Template.MD': 'A' }, 'A'],
    ['without an ending', { PULL_REQUEST_TEMPLATE: 'A' }, 'A'],
    [
      'the first of several',
      { '.github/PULL_REQUEST_TEMPLATE/b.md': 'B', '.github/PULL_REQUEST_TEMPLATE/a.md': 'A' },
      'A',
    ],
    [
      'the one for all before those of a folder',
      { 'docs/PULL_REQUEST_TEMPLATE.md': 'A', '.github/PULL_REQUEST_TEMPLATE/b.md': 'B' },
      'A',
    ],
    [
      'GitLab’s default',
      { '.gitlab/merge_request_templates/Bug.md': 'B', '.gitlab/merge_request_templates/Default.md': 'A' },
      'A',
    ],
    ['none where it is empty', { '.github/PULL_REQUEST_TEMPLATE.md': ' \n' }, undefined],
    ['none where it is no text', { '.github/PULL_REQUEST_TEMPLATE.md': Buffer.from([0, 255]) }, undefined],
    [
      'none elsewhere',
      { 'src/pull_request_template.md': 'B', 'pull_request_template.md.bak': 'B' },
      undefined,
    ],
  ] as [string, Files, string | undefined][]) {
    it(`is ${where}`, async () => assert.equal(await templateOf(files), expected));
  }
});
