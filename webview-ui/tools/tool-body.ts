import type { ComponentType } from 'react';
import type { ToolItem } from '../rows.ts';

/** What a tool's row shows when it is opened. */
export type ToolBody = ComponentType<{ tool: ToolItem }>;
