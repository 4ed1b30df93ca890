// The frame around every page: log in first, then navigation, notices and the page itself.
import { useEffect, useRef, useState } from 'preact/hooks';
import { findSession, logOut, may, problemOf, whenLoggedOut, type Name } from './api';
import type { Problem } from './generated/api';
import { activeJobs, startEvents, stopEvents, useLive } from './live';
import { AccessPage } from './pages/access';
import { AuditPage } from './pages/audit';
import { Files } from './pages/files';
import { Hosts } from './pages/hosts';
import { HostPage } from './pages/host';
import { JobPage } from './pages/job';
import { Jobs } from './pages/jobs';
import { Login } from './pages/login';
import { Overview } from './pages/overview';
import { Policies } from './pages/policies';
import { PointPage } from './pages/point';
import { RepositoryPage } from './pages/repository';
import { Restore } from './pages/restore';
import { RestoreVm } from './pages/restore_vm';
import { SettingsPage } from './pages/settings';
import { VmPage } from './pages/vm';
import { Vms } from './pages/vms';
import { Empty } from './parts/basics';
import { PasswordQuestion } from './parts/password_question';
import { href, takeToken, useRoute, type Route } from './router';
import { text } from './text';

type Entry = 'asking' | 'out' | 'in';

export function App() {
  const [entry, setEntry] = useState<Entry>('asking');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [token, setToken] = useState('');
  const enter = () => {
    const found = takeToken(location.hash);
    // Out of the address before anything else: it must not stay in the history.
    if (found) history.replaceState(null, '', '#/');
    setToken(found);
    if (found) return setEntry('out');
    return void findSession().then(
      (session) => setEntry(session ? 'in' : 'out'),
      (error: unknown) => {
        setProblem(problemOf(error));
        setEntry('out');
      },
    );
  };
  useEffect(() => {
    const onLink = () => takeToken(location.hash) && enter();
    addEventListener('hashchange', onLink);
    whenLoggedOut(() => {
      stopEvents();
      setEntry('out');
    });
    enter();
    return () => removeEventListener('hashchange', onLink);
  }, []);
  if (entry === 'asking')
    return (
      <p class="muted loading" role="status">
        {text.common.loading}
      </p>
    );
  if (entry === 'out') return <Login key={token} token={token} problem={problem} onLoggedIn={() => setEntry('in')} />;
  return <Console />;
}

const kPages: Array<{ path: string; title: string }> = [
  { path: '', title: text.nav.overview },
  { path: 'vms', title: text.nav.vms },
  { path: 'restore', title: text.nav.restore },
  { path: 'files', title: text.nav.files },
  { path: 'jobs', title: text.nav.jobs },
  { path: 'policies', title: text.nav.policies },
  { path: 'hosts', title: text.nav.hosts },
  { path: 'repository', title: text.nav.repository },
  { path: 'settings', title: text.nav.settings },
  { path: 'access', title: text.nav.access },
  { path: 'audit', title: text.nav.audit },
];

/// Pages that are reached from others, and the one that they belong to.
const kParents: Record<string, string> = { points: 'vms', 'restore-vm': 'restore' };

function sectionOf(route: Route): string {
  const page = route.parts[0] ?? '';
  return kParents[page] ?? page;
}

/// What the role does not allow is not offered.
const kNeeded: Record<string, Name> = { audit: 'listAudit', files: 'listGuestVolumes', restore: 'downloadDiskImage', settings: 'listSettings' };

function isOffered(path: string): boolean {
  const needed = kNeeded[path];
  return needed === undefined || may(needed);
}

function Console() {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const [open, setOpen] = useState(false);
  // A file and its versions share a place, and are two pages.
  const address = [...route.parts, route.query.get('view') ?? ''].join('/');
  useEffect(() => {
    startEvents();
    return stopEvents;
  }, []);
  const first = useRef(true);
  useEffect(() => {
    setOpen(false);
    const page = kPages.find((candidate) => candidate.path === sectionOf(route));
    document.title = page ? `${page.title} – ${text.product}` : text.product;
    if (!first.current) {
      scrollTo(0, 0);
      main.current?.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [address]);
  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {text.nav.skip}
      </a>
      <div class="side">
        <div class="brand">
          <img src="./favicon.svg" alt="" width={28} height={28} />
          <span>{text.product}</span>
          <button type="button" class="menu" aria-expanded={open} aria-controls="navigation" onClick={() => setOpen(!open)}>
            {text.nav.menu}
          </button>
        </div>
        <nav id="navigation" class={open ? 'open' : ''} aria-label={text.nav.label}>
          {kPages.filter((page) => isOffered(page.path)).map((page) => (
            <NavLink key={page.path} {...page} current={sectionOf(route) === page.path} />
          ))}
          <button type="button" class="link" onClick={() => void logOut().catch(() => undefined)}>
            {text.nav.logOut}
          </button>
        </nav>
      </div>
      <main id="main" ref={main} tabIndex={-1}>
        <Connection />
        <Page key={address} route={route} />
        <PasswordQuestion />
      </main>
    </div>
  );
}

function NavLink({ path, title, current }: { path: string; title: string; current: boolean }) {
  return (
    <a href={path ? href(path) : '#/'} {...(current ? { 'aria-current': 'page' as const } : {})}>
      {title}
      {path === 'jobs' && <RunningCount />}
    </a>
  );
}

function RunningCount() {
  useLive();
  const running = activeJobs().length;
  return running > 0 ? <span class="count">{running}</span> : null;
}

function Connection() {
  const { connected } = useLive();
  return connected ? null : (
    <div class="notice warning" role="status">
      <p>{text.common.offline}</p>
    </div>
  );
}

function Page({ route }: { route: Route }) {
  const [page = '', id] = route.parts;
  switch (page) {
    case '':
      return <Overview />;
    case 'vms':
      return id === undefined ? <Vms query={route.query} /> : <VmPage id={id} host={route.query.get('host')} />;
    case 'points':
      return id === undefined ? <Missing /> : <PointPage id={id} />;
    case 'restore':
      return <Restore {...(id === undefined ? {} : { point: id })} vm={route.query.get('vm')} host={route.query.get('host')} />;
    case 'files':
      return <Files parts={route.parts.slice(1)} query={route.query} />;
    case 'restore-vm':
      return id === undefined ? <Missing /> : <RestoreVm id={id} />;
    case 'jobs':
      return id === undefined ? <Jobs /> : <JobPage id={id} />;
    case 'policies':
      return <Policies />;
    case 'hosts':
      return id === undefined ? <Hosts /> : <HostPage name={id} examines={route.query.has('examine')} />;
    case 'repository':
      return <RepositoryPage />;
    case 'settings':
      return <SettingsPage />;
    case 'access':
      return <AccessPage />;
    case 'audit':
      return <AuditPage />;
    default:
      return <Missing />;
  }
}

function Missing() {
  return (
    <Empty title={text.common.notFound}>
      <a href="#/">{text.nav.overview}</a>
    </Empty>
  );
}
