// The frame around every page: log in first, then navigation, notices and the page itself.
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, findSession, logIn, logOut, problemOf, whenLoggedOut } from './api';
import type { Problem } from './generated/api';
import { activeJobs, startEvents, stopEvents, useLive } from './live';
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
import { VmPage } from './pages/vm';
import { Vms } from './pages/vms';
import { Empty } from './parts/basics';
import { useResource } from './resource';
import { href, takeToken, useRoute, type Route } from './router';
import { text } from './text';

type Entry = 'asking' | 'out' | 'in';

export function App() {
  const [entry, setEntry] = useState<Entry>('asking');
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    whenLoggedOut(() => {
      stopEvents();
      setEntry('out');
    });
    void enter().then(setEntry, (error: unknown) => {
      setProblem(problemOf(error));
      setEntry('out');
    });
  }, []);
  if (entry === 'asking')
    return (
      <p class="muted loading" role="status">
        {text.common.loading}
      </p>
    );
  if (entry === 'out') return <Login problem={problem} onLoggedIn={() => setEntry('in')} />;
  return <Console />;
}

async function enter(): Promise<Entry> {
  const token = takeToken(location.hash);
  if (token) {
    // Out of the address before anything else: it must not stay in the history.
    history.replaceState(null, '', '#/');
    await logIn(token);
    return 'in';
  }
  return (await findSession()) ? 'in' : 'out';
}

const kPages: Array<{ path: string; title: string }> = [
  { path: '', title: text.nav.overview },
  { path: 'vms', title: text.nav.vms },
  { path: 'restore', title: text.nav.restore },
  { path: 'jobs', title: text.nav.jobs },
  { path: 'policies', title: text.nav.policies },
  { path: 'hosts', title: text.nav.hosts },
  { path: 'repository', title: text.nav.repository },
];

function Console() {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const [open, setOpen] = useState(false);
  const info = useResource((signal) => call('getInfo', { signal }), []);
  const address = route.parts.join('/');
  useEffect(() => {
    startEvents();
    return stopEvents;
  }, []);
  const first = useRef(true);
  useEffect(() => {
    setOpen(false);
    const page = kPages.find((candidate) => candidate.path === (route.parts[0] ?? ''));
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
          {kPages.map((page) => (
            <NavLink key={page.path} {...page} current={(route.parts[0] ?? '') === page.path} />
          ))}
          <button type="button" class="link" onClick={() => void logOut().catch(() => undefined)}>
            {text.nav.logOut}
          </button>
        </nav>
      </div>
      <main id="main" ref={main} tabIndex={-1}>
        <Connection />
        {info.data?.state === 'locked' && (
          <div class="notice warning" role="status">
            <p>{text.common.locked}</p>
          </div>
        )}
        <Page key={address} route={route} />
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
    case 'jobs':
      return id === undefined ? <Jobs /> : <JobPage id={id} />;
    case 'policies':
      return <Policies />;
    case 'hosts':
      return id === undefined ? <Hosts /> : <HostPage name={id} />;
    case 'repository':
      return <RepositoryPage />;
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
