// A relay of its own, to be killed: starts one command and reports its output. Arguments: the provider's options, a task, a command.
import {
  type ContainerOptions,
  createContainerProvider,
} from '../../../server/sandbox/container/provider.ts';
import type { ExecRequest } from '../../../server/sandbox/sandbox.ts';

const [options = '', taskId = '', asked = ''] = process.argv.slice(2);
const provider = createContainerProvider(JSON.parse(options) as ContainerOptions);
const sandbox = await provider.create({ taskId });
await sandbox.exec(JSON.parse(asked) as ExecRequest, { onOutput: ({ data }) => process.stdout.write(data) });
