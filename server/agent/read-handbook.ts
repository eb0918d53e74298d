import { type Sandbox, SandboxError } from '../sandbox/sandbox.ts';
import { EMPTY_HANDBOOK, type Handbook } from './handbook.ts';

/** Of AGENTS.md, in bytes: more than a page of rules is a book, and costs in every call. */
const AGENTS_MD_BYTES = 32_000;

/** Reads what the repository tells its agents. */
export async function readHandbook(sandbox: Sandbox): Promise<Handbook> {
  return { ...EMPTY_HANDBOOK, agentsMd: await readAgentsMd(sandbox) };
}

async function readAgentsMd(sandbox: Sandbox): Promise<string | undefined> {
  try {
    const { data } = await sandbox.readFile('AGENTS.md', { offset: 0, length: AGENTS_MD_BYTES });
    return new TextDecoder().decode(data);
  } catch (error) {
    if (error instanceof SandboxError) return undefined;
    throw error;
  }
}
