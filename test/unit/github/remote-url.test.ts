import assert from 'node:assert/strict';
import { compareUrl } from '../../../server/github/compare-url.ts';
import { isServedBy, parseGitHubRemote, pushUrl } from '../../../server/github/remote-url.ts';

const GITHUB = 'https://github.com';

describe('GitHub remotes', () => {
  for (const remote of [
    'https://github.com/octo/trip.log.git',
    'https://github.com/octo/trip.log',
    'https://github.com/octo/trip.log/',
    'https://GitHub.com/octo/trip.log.git',
    'http://github.com/octo/trip.log.git',
    'https://user:secret@github.com/octo/trip.log.git',
    'git@github.com:octo/trip.log.git',
    'github.com:octo/trip.log',
    'git@github.com:/octo/trip.log.git',
    'ssh://git@github.com/octo/trip.log.git',
    'ssh://git@github.com:22/octo/trip.log.git',
    'ssh://git@ssh.github.com:443/octo/trip.log.git',
  ]) {
    it(`knows ${remote}`, () => {
      const found = parseGitHubRemote(remote, GITHUB);
      assert.deepEqual(found, { owner: 'octo', repo: 'trip.log' });
      assert.equal(found && pushUrl({ githubUrl: GITHUB, ...found }), 'https://github.com/octo/trip.log.git');
    });
  }

  for (const remote of [
    'https://gitlab.com/octo/trip',
    'https://github.com.evil.example/octo/trip',
    'https://evil.example/github.com/octo/trip',
    'https://github.com@evil.example/octo/trip',
    'https://github.com:8443/octo/trip',
    'git@evil.example:github.com/octo',
    'https://github.com/octo',
    'https://github.com/octo/trip/tree/main',
    'https://github.com/../trip',
    'https://github.com/octo/..',
    'https://github.com/-octo/trip',
    'https://github.com/octo/trip?x=1',
    'file:///github.com/octo/trip',
    'ext::sh -c github.com/octo/trip',
    '--upload-pack=github.com:octo/trip',
    '',
  ]) {
    it(`does not take ${JSON.stringify(remote)} for it`, () => {
      assert.equal(parseGitHubRemote(remote, GITHUB), undefined);
    });
  }

  it('takes a token by its own address only: not by plain http, by another port, or at another host', () => {
    const urls = [
      'https://github.com/octo/trip.git',
      'http://github.com/octo/trip.git',
      'https://github.com:8443/octo/trip.git',
      'https://github.com.evil.example/octo/trip.git',
      'https://evil.example/octo/trip.git',
      'git@github.com:octo/trip.git',
    ];
    assert.deepEqual(
      urls.map((url) => isServedBy(url, GITHUB)),
      [true, false, false, false, false, false],
    );
  });

  it('keeps to the scheme and port of a GitHub of one’s own', () => {
    const githubUrl = 'http://127.0.0.1:8124/';
    assert.deepEqual(parseGitHubRemote('http://127.0.0.1:8124/sam/notes.git', githubUrl), {
      owner: 'sam',
      repo: 'notes',
    });
    assert.equal(parseGitHubRemote('http://127.0.0.1:9999/sam/notes.git', githubUrl), undefined);
    assert.equal(pushUrl({ githubUrl, owner: 'sam', repo: 'notes' }), 'http://127.0.0.1:8124/sam/notes.git');
  });
});

describe('the page for opening a pull request by hand', () => {
  const repository = `${GITHUB}/octo/trip`;
  const page = {
    head: 'handoff/fix #1',
    title: 'A & B',
    body: 'ü\n',
  };

  it('is filled in', () => {
    assert.equal(
      compareUrl(repository, { ...page, base: 'main' }),
      'https://github.com/octo/trip/compare/main...handoff/fix%20%231?expand=1&title=A%20%26%20B&body=%C3%BC%0A',
    );
    assert.equal(
      compareUrl(repository, { ...page, body: '' }),
      'https://github.com/octo/trip/compare/handoff/fix%20%231?expand=1&title=A%20%26%20B',
    );
  });

  it('stays short enough for GitHub, in whole characters', () => {
    const url = compareUrl(repository, { ...page, base: 'main', body: '😀 long '.repeat(10_000) });
    assert.ok(url.length <= 8000 && url.length > 7900, `${url.length}`);
    const body = new URL(url).searchParams.get('body') ?? '';
    assert.match(body, /^(😀 long )+[😀 long]*…$/u);
    assert.doesNotThrow(() => compareUrl(repository, { ...page, title: '\ud800', body: '\udc00' }));
  });
});
