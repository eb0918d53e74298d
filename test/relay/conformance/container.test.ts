import { containerFixture } from '../container/fixture.ts';
import { conformance } from './suite.ts';

conformance('container', async () => {
  const { provider, anotherRelay, taskId, dispose } = await containerFixture();
  let tasks = 0;
  return {
    provider,
    caps: {
      isolation: 'container',
      byteExactOutput: true,
      attach: true,
      network: 'none',
      limits: { processes: true, cpus: false, memory: true, disk: false },
    },
    anotherRelay: () => anotherRelay(),
    newTaskId: () => {
      tasks += 1;
      return `${taskId}-${tasks}`;
    },
    dispose,
  };
});
