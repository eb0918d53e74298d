import assert from 'node:assert/strict';
import { linkIn, providerOf, scopesFor, waysOn } from '../../../../extension/github/ways-on.ts';
import { errorCodes } from '../../../../server/protocol/errors.ts';

const failure = (code: (typeof errorCodes)[number], nextAction?: string) => ({
  code,
  message: 'No.',
  ...(nextAction === undefined ? {} : { nextAction }),
});

describe('ways on from a failure on the way to a pull request', () => {
  it('has one for every failure, whether there is a page to open or not', () => {
    assert.deepEqual(
      errorCodes.filter(
        (code) =>
          waysOn(failure(code), undefined).length === 0 || waysOn(failure(code), 'https://x').length === 0,
      ),
      [],
    );
  });

  it('offers a page only where one is known', () => {
    const compare = 'https://github.com/o/r/compare/x';
    assert.deepEqual(waysOn(failure('pull_request_forbidden'), compare), [
      'compare',
      'other-account',
      'retry',
    ]);
    assert.deepEqual(waysOn(failure('pull_request_forbidden'), undefined), ['other-account', 'retry']);
    const sso = failure('sso_required', 'Authorise it at https://github.com/orgs/o/sso?x=1, then try again.');
    assert.deepEqual(waysOn(sso, undefined), ['link', 'retry', 'other-account']);
    assert.equal(linkIn(sso.nextAction), 'https://github.com/orgs/o/sso?x=1');
    assert.equal(linkIn('Try again.'), undefined);
  });

  it('asks for the right to change workflows only where some are pushed', () => {
    assert.deepEqual([[], ['.gitlab-ci.yml'], ['.github/workflows/ci.yml']].map(scopesFor), [
      ['repo'],
      ['repo'],
      ['repo', 'workflow'],
    ]);
  });

  it('signs in to GitHub and the editor’s GitHub Enterprise for their own remotes, and to nobody for others', () => {
    const uri = 'https://git.corp.example';
    const providers: [remote: string | undefined, enterpriseUri: string, provider: string | undefined][] = [
      ['https://git.corp.example/o/r.git', uri, 'github-enterprise'],
      ['git@git.corp.example:o/r.git', uri, 'github-enterprise'],
      ['ssh://git@git.corp.example:22/o/r', uri, 'github-enterprise'],
      ['https://github.com/o/r', uri, 'github'],
      ['git@github.com:o/r.git', '', 'github'],
      ['ssh://git@ssh.github.com:443/o/r.git', '', 'github'],
      ['http://127.0.0.1:8124/o/r.git', '', 'github'],
      ['https://git.corp.example.evil.example/o/r', uri, undefined],
      ['https://github.com.evil.example/o/r', uri, undefined],
      ['https://gitlab.com/o/r', uri, undefined],
      ['https://git.corp.example/o/r.git', '', undefined],
      [undefined, uri, undefined],
    ];
    for (const [remote, enterpriseUri, provider] of providers) {
      assert.equal(providerOf(remote, enterpriseUri), provider, remote);
    }
  });
});
