import type { EnvironmentPlan } from './plan.ts';
import { lastOf } from './printed.ts';
import type { ServiceStatus } from './services.ts';
import type { SetupResult } from './setup.ts';

/** Characters of what a setup printed that the agent reads. */
const MAX_OUTPUT = 2000;

/** What an agent should know of its machine, a line each; nothing where there is nothing to know. No values of secrets. */
export function describeEnvironment(
  { database }: EnvironmentPlan,
  found: { setup: SetupResult | undefined; services: ServiceStatus[]; secrets: string[] },
): string[] {
  const { setup, services, secrets } = found;
  return [
    ...(setup?.outcome === 'failed'
      ? [
          `The repository's setup failed; do not rely on what it would have installed. It ended with:\n${lastOf(setup.output, MAX_OUTPUT)}`,
        ]
      : []),
    ...services.map(({ name, state, port, problem }) => {
      const place = port === undefined ? '' : ` on port ${port}`;
      return `The service ${name}${place} ${STATES[state]}.${problem === undefined ? '' : ` ${problem}`}`;
    }),
    ...(database === undefined
      ? []
      : [
          `${database.env} is the URL of a ${database.kind} database that is yours alone: change it as you like.`,
        ]),
    ...(secrets.length === 0
      ? []
      : [
          `In the environment of commands are secrets, which are not shown: ${secrets.join(', ')}. Do not write them to files.`,
        ]),
  ];
}

const STATES: Record<ServiceStatus['state'], string> = {
  ready: 'is running',
  running: 'was started',
  ended: 'is not running',
};
