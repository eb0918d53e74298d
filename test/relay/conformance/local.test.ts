import { createLocalProvider } from '../../../server/sandbox/local/provider.ts';
import { localFixture } from '../sandbox/support/local.ts';
import { conformance } from './suite.ts';

conformance('local', async () => {
  const { provider, dataDir, supervisorPath, taskId, dispose } = await localFixture();
  let tasks = 0;
  return {
    provider,
    caps: {
      isolation: 'namespaces',
      byteExactOutput: true,
      attach: true,
      network: 'none',
      limits: { processes: true, cpus: false, memory: false, disk: false },
    },
    anotherRelay: () => createLocalProvider({ dataDir, supervisorPath }),
    newTaskId: () => {
      tasks += 1;
      return `${taskId}-${tasks}`;
    },
    dispose,
  };
});
