// What the stand-in appliance knows at first: nothing, an ordinary small site, or a thousand machines.
import {
  ago,
  guid,
  hex,
  kFailure,
  kGiB,
  makeComparison,
  makeDisk,
  makeGrowth,
  makeJob,
  makePoint,
  makeReport,
  makeShare,
  makeShareAccount,
  makeShareServer,
  makeVm,
  makeWarning,
} from './builders.mjs';

const kTiB = 1024 ** 4;

const kResidue = 'The recovery snapshot of 2026-11-20 is still on the host and its disks are not merged.';
const kNoRoom = 'share exports has 12.0 GiB free, 8.0 GiB of it kept for exports that run; this export may need 40.0 GiB';

const kInfo = {
  version: '0.1.0',
  state: 'unlocked',
  time_zone: 'Europe/Berlin',
  restore_directory: '/mnt/restored',
  format: 'entrepot-1',
  id: hex(77, 32),
  encrypted: true,
  chunk_size_bytes: 65536,
  points: 0,
  logical_bytes: 0,
  unique_bytes: 0,
  stored_bytes: 4096,
  chunks: 0,
  packs: 0,
  waste_bytes: 0,
  key_slots: 2,
  minimum_age_seconds: 0,
  time: '2026-03-01T12:00:00.000Z',
  deletion_frozen: null,
  damaged_chunks: 0,
  reserve_bytes: 8 * 1024 * 1024,
  state_copies: [{ name: '0000019ca8e0ac00-0badcafe', time: '2026-03-01T11:00:00.000Z', size_bytes: 40_960 }],
  free_bytes: 3 * kTiB,
  capacity_bytes: 4 * kTiB,
};
const kKeys = [
  { number: 0, kind: 'passphrase', created: ago(43_200) },
  { number: 1, kind: 'recovery', created: ago(43_200) },
];

const kAuditActions = [
  ['createSession', '', 'done', {}],
  ['deletePoint', hex(3, 64), 'refused', { status: 403 }],
  ['addUser', '', 'done', { name: 'bob', role: 'restore-operator' }],
  ['startVmRestore', '', 'done', { point: '788617146c5633a9', host: 'hv02', to: 'D:\\VMs', keep_id: false, start: true }],
  ['addHost', '', 'failed', { name: '<img src=x onerror=alert(1)>', url: 'https://hv09:5986/wsman', status: 400 }],
];

/// Who may do what, and what was done.
function accessOf(actions) {
  const user = (name, role, fields = {}) => ({
    name, role, has_password: true, is_disabled: false, created: ago(90_000), password_changed: ago(80_000), last_sign_in: ago(30), ...fields,
  });
  const token = (seed, name, role, fields = {}) => ({
    id: hex(seed, 32), name, user: 'ada', role, may_destroy: false, created: ago(20_000), expires: ago(-90_000), is_ended: false, last_used: ago(5), ...fields,
  });
  const session = (seed, name, fields = {}) => ({
    id: hex(seed, 32), user: name, address: '192.0.2.7', user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', begun: ago(90), used: ago(1), expires: ago(-600), is_current: false, ...fields,
  });
  const isEmpty = actions.length === 0;
  return {
    users: isEmpty
      ? [user('ada', 'administrator')]
      : [
          user('ada', 'administrator'),
          user('bob', 'restore-operator', { has_password: false, password_changed: null, last_sign_in: null }),
          user('operator of the night shift', 'operator', { is_disabled: true }),
        ],
    tokens: isEmpty
      ? []
      : [
          token(31, 'prometheus', 'viewer'),
          token(32, 'nightly script', 'operator', { may_destroy: true, user: null, last_used: null }),
          token(33, 'old one', 'viewer', { is_ended: true }),
        ],
    sessions: isEmpty
      ? [session(21, 'ada', { is_current: true })]
      : [session(21, 'ada', { is_current: true }), session(22, 'operator of the night shift', { address: '2001:db8::17' })],
    audit: actions.map(([action, object, result, details], index) => ({
      number: actions.length - index, time: ago(index * 47), user: index === 1 ? 'bob' : 'ada', via: index === 3 ? 'token' : 'session',
      address: '192.0.2.7', action, object, result, details, digest: hex(index + 60, 64),
    })),
  };
}

export function emptySite() {
  return {
    info: { ...kInfo },
    growth: makeGrowth(0),
    shares: [],
    hosts: [],
    vms: [],
    points: [],
    policies: [],
    jobs: [],
    keys: [...kKeys],
    warnings: [],
    inventory: {},
    ...accessOf([]),
  };
}

function siteBase() {
  return {
    warnings: [],
    growth: makeGrowth(75),
    info: {
      ...kInfo,
      points: 214,
      logical_bytes: Math.round(4.6 * kTiB),
      unique_bytes: 410 * kGiB,
      stored_bytes: 268 * kGiB,
      chunks: 6_718_464,
      packs: 4288,
      waste_bytes: 3 * kGiB,
      free_bytes: Math.round(3.1 * kTiB),
    },
    shares: [
      makeShare({
        managed: true,
        listen: '0.0.0.0:445',
        server: makeShareServer(),
        accounts: [
          makeShareAccount('hv01', 'entrepot-share-01', { used_bytes: 38 * kGiB, quota_bytes: 500 * kGiB }),
          makeShareAccount('hv02', 'entrepot-share-02', { computer: 'EXAMPLE\\HV02$' }),
        ],
      }),
    ],
    hosts: [
      {
        name: 'hv01',
        id: 'hv01',
        url: 'https://hv01.example.com:5986/wsman',
        auth: 'negotiate',
        user: 'HV01\\backup',
        pin: hex(5, 64),
        has_ca: false,
        share: null,
        created: ago(43_000),
        last_contact: ago(4),
        last_error: null,
        vm_count: 4,
      },
      {
        name: 'hv02',
        id: 'hv02',
        url: 'https://hv02.example.com:5986/wsman',
        auth: 'negotiate',
        user: 'EXAMPLE\\svc-backup',
        pin: null,
        has_ca: true,
        share: 'exports',
        created: ago(42_000),
        last_contact: ago(190),
        last_error: {
          code: 'unreachable',
          message: 'hv02.example.com:5986 does not answer within 30 s',
          hint: 'Is WinRM listening? On the host: winrm enumerate winrm/config/listener',
          context: [],
        },
        vm_count: 2,
      },
    ],
    policies: [
      {
        name: 'nightly',
        vms: ['web*', 'hv02/*'],
        calendar: '*-*-* 22:00',
        consistency: 'prefer-application',
        retention: { keep_last: 3, keep_daily: 14, keep_weekly: 8, keep_monthly: 12 },
        full_every: 30,
        created: ago(42_000),
        matching_vms: 5,
        next_runs: [ago(-300), ago(-1740), ago(-3180), ago(-4620), ago(-6060)],
        last_run: { time: ago(1140), jobs: ['job-1', 'job-2'] },
      },
    ],
    keys: [...kKeys],
    ...accessOf(kAuditActions),
  };
}

export function ordinarySite() {
  const site = siteBase();
  const web = { id: guid(11), name: 'web01', host: 'hv01' };
  const points = Array.from({ length: 12 }, (_, index) =>
    makePoint(100 + index, web, 62 + index * 1440, index === 11 ? 'full' : 'incremental'),
  );
  points[1] = {
    ...points[1],
    kind: 'full',
    reason: 'a full one is due every 30 backups',
    base_point: null,
    unique_bytes: 3 * kGiB,
    protected_until: ago(-60_000),
    comparison: makeComparison(points[1].disks[0], points.slice(2, 5)),
  };
  points[2] = {
    ...points[2],
    consistency: 'crash',
    hold_reason: 'Audit 2026, ask Jana',
    skipped: [{ name: 'passthrough 1', reason: 'a physical disk cannot be exported' }],
  };
  points[3] = { ...points[3], verified: { time: ago(3000), result: 'damaged', depth: 'packs' }, has_known_damage: true };
  points[4] = { ...points[4], verified: null };
  const done = makeJob('job-1', {
    parameters: { vm: web.id, host: 'hv01' },
    result: {
      point: points[0].id,
      kind: 'incremental',
      reason: points[0].reason,
      consistency: 'application',
      disks: points[0].disks,
      comparison: null,
      seconds: 74,
    },
    events: [
      { time: ago(600), level: 'stage', text: 'plan' },
      { time: ago(600), level: 'note', text: 'incremental: change tracking since the newest point' },
      { time: ago(599), level: 'stage', text: 'export' },
      { time: ago(592), level: 'stage', text: 'ingest' },
      { time: ago(590), level: 'stage', text: 'commit' },
    ],
  });
  const failed = makeJob('job-2', {
    subject: 'sql01 on hv02',
    parameters: { vm: guid(31), host: 'hv02' },
    state: 'failed',
    stage: 'export',
    done_bytes: 0,
    total_bytes: 0,
    created: ago(190),
    started: ago(190),
    ended: ago(188),
    result: null,
    error: kFailure,
    events: [
      { time: ago(190), level: 'stage', text: 'plan' },
      { time: ago(190), level: 'note', text: 'full: the first point of this machine' },
      { time: ago(189), level: 'stage', text: 'snapshot' },
      { time: ago(189), level: 'stage', text: 'export' },
      { time: ago(188), level: 'warning', text: 'The snapshot was destroyed; nothing of ours is left on the host.' },
      { time: ago(188), level: 'error', text: kFailure.message },
    ],
  });
  const running = makeJob('job-3', {
    subject: 'files01 on hv01',
    state: 'running',
    stage: 'ingest',
    done_bytes: Math.round(9.2 * kGiB),
    total_bytes: 41 * kGiB,
    created: ago(6),
    started: ago(6),
    ended: null,
    result: null,
    requested_by: 'console',
    events: [
      { time: ago(6), level: 'stage', text: 'plan' },
      { time: ago(5), level: 'stage', text: 'export' },
      { time: ago(2), level: 'stage', text: 'ingest' },
    ],
  });
  const older = Array.from({ length: 26 }, (_, index) =>
    makeJob(`job-old-${index}`, {
      created: ago(1440 + index * 360),
      started: ago(1440 + index * 360),
      ended: ago(1432 + index * 360),
      ...(index % 9 === 4
        ? {
            state: 'failed',
            stage: 'snapshot',
            error: { ...kFailure, message: 'The guest did not answer the request to freeze within 60 s' },
          }
        : {}),
      ...(index % 7 === 3
        ? {
            kind: 'verify',
            subject: 'all points',
            requested_by: 'command line',
            result: {
              points: [
                {
                  id: points[3].id,
                  result: 'damaged',
                  damage: [{ disk: 0, offset: 65536, length: 65536, reason: 'the digest of a pack differs' }],
                },
              ],
            },
          }
        : {}),
    }),
  );
  const vms = [
    makeVm(11, 'web01', 'hv01', points, done, {
      last_restore: { job: 'job-restore', kind: 'restore_vm', point: points[2].id, ended: ago(8_600) },
    }),
    makeVm(21, 'files01', 'hv01', [makePoint(300, { id: guid(21), name: 'files01', host: 'hv01' }, 1500, 'incremental')], null, {
      disks: [
        makeDisk(21, 0, 'files01-system.vhdx'),
        makeDisk(21, 1, 'files01-data.vhdx', { size_bytes: 2 * kTiB }),
        makeDisk(21, 2, 'scratch.vhdx', { excluded: 'temporary files only' }),
        makeDisk(21, 3, 'passthrough 1', { size_bytes: 0, cannot_back_up: 'a physical disk cannot be exported' }),
      ],
      residue: [{ text: kResidue, command: "Get-VMSnapshot -VMName 'files01' | Where-Object Name -eq 'Entrepot 7f3a' | Remove-VMSnapshot", since: ago(12_000) }],
      late: { due: ago(780), policy: 'nightly' },
      problems: [`late: policy nightly was due at ${ago(780)}, and no point came`, kResidue],
    }),
    makeVm(31, 'sql01', 'hv02', [], failed),
    makeVm(41, '<img src=x onerror=alert(1)> & "日本"', 'hv01', [], null, {
      protected: false,
      policies: [],
      next_run: null,
      state: 'off',
    }),
    makeVm(
      51,
      'imported-erp',
      '',
      [makePoint(500, { id: guid(51), name: 'imported-erp', host: '' }, 20_000, 'full', { reason: 'taken in from files' })],
      null,
      { state: 'unknown', protected: false, policies: [], next_run: null, disks: [] },
    ),
  ];
  const doctor = makeJob('job-doctor', {
    kind: 'doctor',
    subject: 'host hv01',
    state: 'partly',
    stage: 'residue',
    done_bytes: 0,
    total_bytes: 0,
    requested_by: 'console',
    result: makeReport('hv01'),
  });
  const restored = makeJob('job-restore', {
    kind: 'restore_vm',
    subject: 'web01 to hv02',
    requested_by: 'ada',
    created: ago(8_640),
    started: ago(8_640),
    ended: ago(8_600),
    result: null,
  });
  return {
    ...site,
    warnings: [makeWarning('certificate.ends', 'warning', 'the console\u2019s certificate ends on 2026-12-20')],
    vms,
    points: [...points, makePoint(300, vms[1], 1500, 'incremental'), makePoint(500, vms[4], 20_000, 'full')],
    jobs: [running, failed, done, doctor, ...older, restored].sort((a, b) => (a.created < b.created ? 1 : -1)),
    inventory: { hv01: inventoryOf(vms) },
    doctor: { hv01: makeReport('hv01') },
  };
}

function inventoryOf(vms) {
  return vms
    .filter((vm) => vm.host === 'hv01')
    .map((vm, index) => ({
      id: vm.id,
      name: vm.name,
      host: 'hv01',
      state: vm.state === 'unknown' ? 'off' : vm.state,
      generation: 2,
      version: '9.0',
      owner_node: index === 1 ? 'HV01B' : null,
      has_tpm: index === 0,
      replication: index === 1 ? 'primary' : 'none',
      notes: index === 0 ? 'Shop front; ask Kim before restarting' : '',
      integration_services: [{ name: 'backup', enabled: true, working: index !== 1 }],
      disks: vm.disks,
      reference_points: 1,
      problems: vm.problems,
      checkpoints:
        index === 1
          ? [
              { id: guid(900), name: 'before the update', created: ago(9000), kind: 'user', is_ours: false },
              { id: guid(901), name: 'Entrepot recovery snapshot', created: ago(3000), kind: 'recovery', is_ours: true },
            ]
          : [],
    }));
}

/// Everything is as it should be: the page that must be quiet.
export function quietSite() {
  const site = ordinarySite();
  const web = site.vms[0];
  return {
    ...site,
    warnings: [],
    vms: [web],
    jobs: site.jobs.filter((job) => job.state === 'done'),
    hosts: [site.hosts[0]],
    points: site.points.filter((point) => point.vm.id === web.id && !point.has_known_damage),
  };
}

export function longSite() {
  const site = siteBase();
  const vms = [];
  const points = [];
  const jobs = [];
  for (let index = 0; index < 1000; ++index) {
    const vm = {
      id: guid(5000 + index * 17),
      name: `vm-${String(index).padStart(4, '0')}`,
      host: `hv${String((index % 8) + 1).padStart(2, '0')}`,
    };
    const point = makePoint(6000 + index, vm, 30 + index, index % 30 === 0 ? 'full' : 'incremental');
    const job = makeJob(`job-${index}`, {
      subject: `${vm.name} on ${vm.host}`,
      created: ago(40 + index),
      started: ago(40 + index),
      ended: ago(35 + index),
      ...(index % 50 === 7 ? { state: 'failed', stage: 'snapshot', error: kFailure } : {}),
    });
    points.push(point);
    jobs.push(job);
    vms.push({
      ...makeVm(1, vm.name, vm.host, [point], job, index % 40 === 9 ? { protected: false, policies: [], next_run: null } : {}),
      id: vm.id,
    });
  }
  const many = Array.from({ length: 400 }, (_, index) => makePoint(9000 + index, vms[0], 30 + index * 360, 'incremental'));
  jobs[0] = { ...jobs[0], state: 'queued', stage: '', started: null, ended: null, result: null, waiting_for: kNoRoom };
  const server = makeShareServer({
    state: 'failed',
    message: 'something else listens at 0.0.0.0:445 already',
    hint: "if it is the system's own Samba: systemctl disable --now smbd nmbd",
    restarts: 3,
  });
  const shares = [
    { ...site.shares[0], server, accounts: [] },
    makeShare({ name: 'nas', unc: '\\\\nas.example.com\\hyper-v\\exports', path: '/mnt/nas/hyper-v/exports', free_bytes: null }),
  ];
  return { ...site, shares, vms, points: [...many, ...points.slice(1)], jobs, inventory: {} };
}
