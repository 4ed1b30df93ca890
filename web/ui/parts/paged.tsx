// A list that comes by pages: what was read, and the button that reads on.
import type { ComponentChildren } from 'preact';
import type { Pages } from '../resource';
import { text } from '../text';
import { ProblemBox } from './basics';

/// `hasOwnRest`: the children bring the button themselves.
type Properties<T> = { pages: Pages<T>; hasOwnRest?: boolean; children: (rows: T[]) => ComponentChildren };

export function Paged<T>({ pages, hasOwnRest = false, children }: Properties<T>) {
  return (
    <>
      {pages.rows !== null
        ? children(pages.rows)
        : !pages.problem && (
            <p class="muted loading" role="status">
              {text.common.loading}
            </p>
          )}
      <ProblemBox problem={pages.problem} onRetry={pages.retry} />
      {!hasOwnRest && pages.more && (
        <p class="actions">
          <button type="button" disabled={pages.isBusy} onClick={pages.more}>
            {pages.isBusy ? text.common.loading : text.common.loadMore}
          </button>
        </p>
      )}
    </>
  );
}
