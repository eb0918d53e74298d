import type { FileChange, Risk } from '../protocol/review.ts';

/** More changed lines than these are not taken in at one reading. */
const LARGE = 400;

/** Words of a path (folders and names, taken apart) that say that a mistake there is dear. */
const DEAR: [why: string, words: string[]][] = [
  [
    'sign-in or permissions',
    [
      ...['auth', 'authn', 'authz', 'authentication', 'authorization', 'oauth', 'oidc', 'saml', 'sso'],
      ...['login', 'session', 'sessions', 'permission', 'permissions', 'acl', 'rbac', 'jwt'],
    ],
  ],
  [
    'security',
    [
      ...['security', 'crypto', 'cipher', 'encryption', 'password', 'passwords', 'credential', 'credentials'],
      ...['secret', 'secrets', 'csrf', 'cors', 'sandbox', 'sanitize', 'sanitizer'],
    ],
  ],
  [
    'money',
    ['payment', 'payments', 'billing', 'invoice', 'invoices', 'pricing', 'refund', 'refunds', 'wallet'],
  ],
  ['database migration', ['migration', 'migrations', 'migrate', 'alembic', 'flyway', 'liquibase']],
];

const AUTOMATION =
  /^(\.github\/(workflows|actions)\/|\.circleci\/|\.buildkite\/|\.gitlab-ci\.ya?ml$|azure-pipelines|bitbucket-pipelines|Jenkinsfile|\.travis\.ya?ml$|\.husky\/|\.githooks\/)/;
const INFRASTRUCTURE =
  /(^|\/)(Dockerfile[^/]*|Containerfile|(docker-)?compose[^/]*\.ya?ml|Chart\.yaml|(terraform|helm|k8s|kubernetes|ansible|infra|deploy|deployment)\/.*)$|\.(tf|tfvars|nomad|bicep)$/i;
const MANIFEST =
  /(^|\/)(package\.json|Cargo\.toml|go\.mod|pyproject\.toml|setup\.(py|cfg)|requirements[^/]*\.txt|Pipfile|pom\.xml|build\.gradle(\.kts)?|Gemfile|composer\.json|mix\.exs|Package\.swift|[^/]+\.(csproj|gemspec))$/;
const CONFIGURATION =
  /(^|\/)(\.env[^/]*|\.npmrc|\.yarnrc(\.yml)?|\.gitattributes|\.gitmodules|Makefile|Caddyfile|nginx[^/]*\.conf|CMakeLists\.txt|tsconfig[^/]*\.json|[^/]+\.config\.[cm]?[jt]s|config\/.*|\.[^/]+rc(\.(json|ya?ml|[cm]?js))?)$/;
const DOCUMENT = /\.(md|mdx|rst|adoc|txt)$|(^|\/)(README|CHANGELOG|LICENSE|AUTHORS|NOTICE)$/;
const TEST =
  /(^|\/)(tests?|__tests__|specs?|e2e|testdata|fixtures)\/|[._-](test|spec|tests)\.[^./]+$|(^|\/)test_[^/]*\.py$|_test\.(go|py|rb|exs)$|[a-z](Test|Tests|Spec)\.(java|kt|scala|cs|swift|php)$/;

export const isTest = (path: string): boolean => TEST.test(path);

/** How carefully a change wants to be read. @param change.renamedTo where its content went, if it is gone */
export function riskOf(
  change: Pick<FileChange, 'path' | 'status' | 'additions' | 'deletions' | 'oldMode' | 'newMode'> & {
    renamedTo?: string | undefined;
  },
): Risk {
  const { path, status, renamedTo } = change;
  const lines = change.additions + change.deletions;
  const test = isTest(path);
  const isDeleted = status === 'deleted' && renamedTo === undefined;
  const why: string[] = [];
  if (AUTOMATION.test(path)) why.push('automation');
  if (INFRASTRUCTURE.test(path)) why.push('infrastructure');
  if (MANIFEST.test(path)) why.push('dependencies');
  else if (CONFIGURATION.test(path)) why.push('configuration');
  const document = why.length === 0 && DOCUMENT.test(path);
  if (!test && !document) why.push(...dearOf(path));
  if (isDeleted && !document) why.push(test ? 'a test is deleted' : 'deleted');
  if (change.newMode === '100755' && change.oldMode !== '100755') why.push('executable');
  if (status === 'type-changed' || change.newMode === '120000') why.push('link');
  if (lines > LARGE && !document && !test) why.push(`${lines} lines`);
  if (why.length > 0) return { level: 'high', why };
  if (test) return { level: 'low', why: ['test'] };
  return document ? { level: 'low', why: ['documentation'] } : { level: 'normal', why: [] };
}

function dearOf(path: string): string[] {
  const words = new Set(
    path
      .replace(/([a-z\d])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .split(/[^a-z\d]+/),
  );
  return DEAR.flatMap(([why, some]) => (some.some((word) => words.has(word)) ? [why] : []));
}
