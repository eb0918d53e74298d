import type { ComponentType, ReactNode } from 'react';
import type { ToolItem } from '../rows.ts';

interface ToolBodyProps {
  tool: ToolItem;
  /** What the subagent that works for the call said and did, ready to be shown; absent where none does. */
  transcript?: ReactNode;
}

/** What a tool's row shows when it is opened. */
export type ToolBody = ComponentType<ToolBodyProps>;
