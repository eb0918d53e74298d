import { FILE_TOOL_CHECKS } from './file-tools.ts';
import { FILE_CHECKS } from './files.ts';
import { KERNEL_CHECKS } from './kernel.ts';
import { LIMIT_CHECKS } from './limits.ts';
import { NETWORK_CHECKS } from './network.ts';
import { PROCESS_CHECKS } from './processes.ts';
import type { Check } from './stage.ts';

/** All attempts; those that leave the sandbox in the worst state come last. */
export const CHECKS: Check[] = [
  ...PROCESS_CHECKS,
  ...FILE_CHECKS,
  ...FILE_TOOL_CHECKS,
  ...KERNEL_CHECKS,
  ...NETWORK_CHECKS,
  ...LIMIT_CHECKS,
];
