/**
 * What a forge or a build server runs by itself once it is pushed, with the repository's own rights and secrets. Compared without case:
 * some of them read it so.
 */
const AUTOMATION: readonly RegExp[] = [
  /^\.(?:github|gitea|forgejo)\/(?:workflows|actions)\//,
  /^\.gitlab-ci\.ya?ml$/,
  /^\.gitlab\/ci\//,
  /^\.circleci\//,
  /^\.buildkite\//,
  /^\.woodpecker(?:\/|\.ya?ml$)/,
  /^\.teamcity\//,
  /^\.semaphore\//,
  /^bamboo-specs\//,
  /^\.(?:travis|drone|cirrus|appveyor)\.ya?ml$/,
  /^(?:appveyor|bitbucket-pipelines|buildspec|cloudbuild|wercker)\.ya?ml$/,
  /^(?:\.azure-pipelines|azure-pipelines)\//,
  /(?:^|\/)azure-pipelines[^/]*\.ya?ml$/,
  /(?:^|\/)jenkinsfile[^/]*$/,
];

export function isAutomation(path: string): boolean {
  const lower = path.toLowerCase();
  return AUTOMATION.some((pattern) => pattern.test(lower));
}

/** GitHub asks a token for the scope `workflow` before it takes these. */
export const isGitHubWorkflow = (path: string): boolean => path.startsWith('.github/workflows/');
