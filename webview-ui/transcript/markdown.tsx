import { type MouseEvent, memo, useRef } from 'react';
import { usePanel } from '../context.ts';
import { link } from '../links.ts';
import { type Block, type Blocks, noBlocks, renderBlock, splitBlocks } from '../markdown-blocks.ts';
import { sanitise } from '../sanitise.ts';
import { CodeBlock } from './code-block.tsx';

/** A model's answer. While it grows only its last block is rendered anew; when it is done all of it is read once more. */
export function Markdown({ text, done }: { text: string; done: boolean }) {
  const { host, store } = usePanel();
  const previous = useRef<Blocks>(noBlocks);
  const blocks = splitBlocks(text, done ? noBlocks : previous.current);
  previous.current = blocks;

  /** VS Code opens any link of a webview on its own: ours are stopped here and go through the extension. */
  const onClick = (event: MouseEvent) => {
    const anchor = event.target instanceof Element ? event.target.closest('a') : null;
    if (anchor === null) return;
    event.preventDefault();
    event.stopPropagation();
    const { path, line } = anchor.dataset;
    const taskId = store.get().task?.taskId;
    const target = link(anchor.getAttribute('href') ?? '');
    if (path !== undefined && taskId !== undefined)
      host.post({ type: 'openFile', taskId, path, line: line === undefined ? null : Number(line) });
    else if (target?.kind === 'external') host.post({ type: 'openExternal', url: target.url });
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the links inside are what is clicked, by mouse or Enter
    // biome-ignore lint/a11y/useKeyWithClickEvents: Enter on a link is a click
    <div className="markdown" onClick={onClick}>
      {blocks.blocks.map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks only ever grow at the end
        <BlockView key={index} block={block} />
      ))}
    </div>
  );
}

const BlockView = memo(
  function BlockView({ block }: { block: Block }) {
    if (block.kind === 'code') return <CodeBlock {...block} />;
    if (block.kind === 'plain') return <div className="plain">{block.raw}</div>;
    if (block.token.type === 'space') return null;
    // biome-ignore lint/security/noDangerouslySetInnerHtml: the one place where HTML is made, after DOMPurify
    return <div className="block" dangerouslySetInnerHTML={{ __html: sanitise(renderBlock(block.token)) }} />;
  },
  (before, after) => before.block.raw === after.block.raw && before.block.kind === after.block.kind,
);
