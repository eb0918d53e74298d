import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CliError, type Terminal } from './command.ts';

const VARIABLES = ['HANDOFF_GITHUB_TOKEN', 'GITHUB_TOKEN', 'GH_TOKEN'];

/**
 * The person's GitHub token, out of the environment or from GitHub's own command line. It is printed nowhere.
 * @throws {CliError} where there is none
 */
export async function githubToken({ env }: Pick<Terminal, 'env'>): Promise<string> {
  for (const name of VARIABLES) {
    const value = env[name]?.trim();
    if (value) return value;
  }
  const asked = await promisify(execFile)('gh', ['auth', 'token'], { env: env as NodeJS.ProcessEnv }).catch(
    () => undefined,
  );
  const token = asked?.stdout.trim();
  if (token) return token;
  throw new CliError(
    'There is no GitHub token.',
    `Sign in with \`gh auth login\`, or set ${VARIABLES.slice(0, 2).join(' or ')}.`,
  );
}
