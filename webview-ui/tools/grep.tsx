import { Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** The lines that were found. */
export const GrepBody: ToolBody = ({ tool }) => <Output text={tool.output ?? ''} />;
