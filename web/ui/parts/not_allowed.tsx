// A page that the role does not reach: which role it takes, and who gives it.
import type { ComponentChildren } from 'preact';
import { may, roleFor, type Name } from '../api';
import { text } from '../text';
import { PageHead } from './basics';

/// `title` where the children bring the page's own head.
type Properties = { to: Name; what: string; title?: string; children: ComponentChildren };

export function AllowedPage({ to, what, title, children }: Properties) {
  if (may(to)) return <>{children}</>;
  const role = roleFor(to);
  return (
    <>
      {title && <PageHead title={title} />}
      <div class="notice warning">
        <p>
          <strong>{what}</strong>
        </p>
        <p>{text.common.needsRole(role === 'none' ? role : text.access.roles[role])}</p>
      </div>
    </>
  );
}
