// How much of a list is shown, and the button for more: it keeps the focus while there is more, then the count takes it.
import { useEffect, useRef } from 'preact/hooks';
import { text } from '../text';

type Properties = { words: string; more: (() => void) | null; isBusy: boolean };

export function Rest({ words, more, isBusy }: Properties) {
  const status = useRef<HTMLSpanElement>(null);
  const hadMore = useRef(more !== null);
  useEffect(() => {
    if (hadMore.current && more === null) status.current?.focus();
    hadMore.current = more !== null;
  }, [more === null]);
  return (
    <p class="actions">
      {more && (
        <button type="button" aria-disabled={isBusy} onClick={() => !isBusy && more()}>
          {isBusy ? text.files.loadingMore : text.files.more}
        </button>
      )}
      <span class="muted" role="status" tabIndex={-1} ref={status}>
        {words}
      </span>
    </p>
  );
}
