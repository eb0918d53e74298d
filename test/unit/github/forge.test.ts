import assert from 'node:assert/strict';
import { forgeOf, requestPage } from '../../../server/github/forge.ts';

const GITHUB = 'https://github.com';
const PAGE = { base: 'main', head: 'handoff/fix #1', title: 'A & B', body: 'ü\n' };

describe('forges', () => {
  for (const [remote, kind, webUrl, path] of [
    ['git@github.com:octo/trip.git', 'github', 'https://github.com', 'octo/trip'],
    ['https://trips.ghe.com/octo/trip.git', 'github', 'https://trips.ghe.com', 'octo/trip'],
    ['https://gitlab.com/a/b/c.git', 'gitlab', 'https://gitlab.com', 'a/b/c'],
    ['ssh://git@gitlab.example.com:2222/a/b.git', 'gitlab', 'https://gitlab.example.com', 'a/b'],
    ['http://gitlab.local:8080/a/b', 'gitlab', 'http://gitlab.local:8080', 'a/b'],
    ['https://user:secret@gitlab.com/a/b.git', 'gitlab', 'https://gitlab.com', 'a/b'],
    ['git@bitbucket.org:team/trip.git', 'bitbucket', 'https://bitbucket.org', 'team/trip'],
    ['https://codeberg.org/octo/trip.git', 'gitea', 'https://codeberg.org', 'octo/trip'],
    ['git@gitea.example.com:octo/trip.git', 'gitea', 'https://gitea.example.com', 'octo/trip'],
    ['https://forgejo.example.com/octo/trip', 'gitea', 'https://forgejo.example.com', 'octo/trip'],
    [
      'https://dev.azure.com/org/My%20Project/_git/trip',
      'azure',
      'https://dev.azure.com',
      'org/My Project/_git/trip',
    ],
    ['git@ssh.dev.azure.com:v3/org/project/trip', 'azure', 'https://dev.azure.com', 'org/project/_git/trip'],
    [
      'https://org.visualstudio.com/project/_git/trip',
      'azure',
      'https://org.visualstudio.com',
      'project/_git/trip',
    ],
    ['https://git.example.com/octo/trip.git', 'unknown', 'https://git.example.com', 'octo/trip'],
    ['https://notgitlab.com/octo/trip', 'unknown', 'https://notgitlab.com', 'octo/trip'],
  ] as const) {
    it(`are told by their addresses: ${remote}`, () => {
      assert.deepEqual(forgeOf(remote, GITHUB), { kind, webUrl, path });
    });
  }

  for (const remote of [
    '',
    '/srv/trip.git',
    'C:/trip',
    'file:///srv/trip.git',
    'https://gitlab.com',
    'ext::sh -c x',
    'nonsense',
  ]) {
    it(`are nobody’s for ${JSON.stringify(remote)}`, () => {
      assert.equal(forgeOf(remote, GITHUB), undefined);
    });
  }

  it('have a GitHub of one’s own among them', () => {
    assert.deepEqual(forgeOf('git@ghe.example.com:octo/trip.git', 'https://ghe.example.com/'), {
      kind: 'github',
      webUrl: 'https://ghe.example.com',
      path: 'octo/trip',
    });
  });

  for (const [remote, page] of [
    [
      'git@github.com:octo/trip.git',
      'https://github.com/octo/trip/compare/main...handoff/fix%20%231?expand=1&title=A%20%26%20B&body=%C3%BC%0A',
    ],
    [
      'git@gitlab.com:a/b/c.git',
      'https://gitlab.com/a/b/c/-/merge_requests/new?merge_request%5Bsource_branch%5D=handoff%2Ffix%20%231&merge_request%5Btarget_branch%5D=main&merge_request%5Btitle%5D=A%20%26%20B&merge_request%5Bdescription%5D=%C3%BC%0A',
    ],
    [
      'git@bitbucket.org:t/r.git',
      'https://bitbucket.org/t/r/pull-requests/new?source=handoff%2Ffix%20%231&dest=main',
    ],
    [
      'https://codeberg.org/o/r',
      'https://codeberg.org/o/r/compare/main...handoff/fix%20%231?expand=1&title=A%20%26%20B&body=%C3%BC%0A',
    ],
    [
      'https://dev.azure.com/o/My%20P/_git/r',
      'https://dev.azure.com/o/My%20P/_git/r/pullrequestcreate?sourceRef=handoff%2Ffix%20%231&targetRef=main',
    ],
    ['https://git.example.com/o/r', undefined],
  ] as const) {
    it(`have a page for a request by hand: ${remote}`, () => {
      const forge = forgeOf(remote, GITHUB);
      assert.equal(forge && requestPage(forge, PAGE), page);
    });
  }

  it('take their default branch where no base is known', () => {
    const pages = ['https://gitlab.com/a/b', 'https://codeberg.org/a/b', 'https://bitbucket.org/a/b'].map(
      (remote) => {
        const forge = forgeOf(remote, GITHUB);
        return forge && requestPage(forge, { head: 'x', title: 'T', body: '' });
      },
    );
    assert.deepEqual(pages, [
      'https://gitlab.com/a/b/-/merge_requests/new?merge_request%5Bsource_branch%5D=x&merge_request%5Btitle%5D=T',
      'https://codeberg.org/a/b/compare/x?expand=1&title=T',
      'https://bitbucket.org/a/b/pull-requests/new?source=x',
    ]);
  });

  it('get no longer addresses than they take', () => {
    const forge = forgeOf('https://gitlab.com/a/b', GITHUB);
    const url = forge && requestPage(forge, { ...PAGE, body: '😀 long '.repeat(10_000) });
    assert.ok(url !== undefined && url.length <= 8000 && url.length > 7900, `${url?.length}`);
  });
});
