import { FileLink } from './file-link.tsx';
import { Output } from './output.tsx';
import type { ToolBody } from './tool-body.ts';

/** More paths than these are shown as text. */
const LINKS = 50;

/** The files that were found, to open. */
export const GlobBody: ToolBody = ({ tool }) => {
  const lines = (tool.output ?? '').split('\n').filter(Boolean);
  const paths = lines.every((line) => !line.includes(' ')) && lines.length <= LINKS;
  if (tool.isError || !paths || lines.length === 0) return <Output text={tool.output ?? ''} />;
  return (
    <ul className="paths">
      {lines.map((path) => (
        <li key={path}>
          <FileLink path={path} />
        </li>
      ))}
    </ul>
  );
};
