import { Component, type ReactNode } from 'react';
import { strings } from '../strings.ts';
import { Notice } from './notice.tsx';

interface Props {
  children: ReactNode;
}

/** A row that cannot be shown says so in its place, instead of taking the panel down with it. */
export class RowBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return <Notice level="error" text={strings.transcript.rowFailed} />;
  }
}
