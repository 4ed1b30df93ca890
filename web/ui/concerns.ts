// What a person must know in the morning, the worst first, one concern per cause; nothing when all is well.
import * as format from './format';
import type { Growth, Host, Info, Vm, Warning } from './generated/api';
import { href, vmHref } from './router';
import { text } from './text';

export type Concern = { key: string; title: string; note: string; link: string; action: string; tone: 'bad' | 'warning' };

const kNamesShown = 6;
const kSpaceLowShare = 0.1;
const kFullSoonDays = 30;
const kFullVerySoonDays = 7;

type Known = { info: Info; growth: Growth; vms: Vm[]; hosts: Host[]; warnings: Warning[] };

export function concernsOf({ info, growth, vms, hosts, warnings }: Known): Concern[] {
  const all = [
    ...spaceConcerns(info, growth),
    ...warnings.map(warningConcern),
    ...failureConcerns(vms.filter(hasFailed)),
    ...damageConcerns(vms),
    ...lateConcerns(vms.filter((vm) => vm.late !== null && !hasFailed(vm))),
    ...hosts.flatMap(hostConcerns),
    ...residueConcerns(vms.filter((vm) => vm.residue.length > 0)),
    ...unprotectedConcerns(vms.filter(lacksPolicy)),
    ...vms.flatMap(otherConcerns),
  ];
  return [...all.filter(({ tone }) => tone === 'bad'), ...all.filter(({ tone }) => tone === 'warning')];
}

/// A machine that came from files cannot be backed up, so it lacks nothing.
export function lacksPolicy(vm: Vm): boolean {
  return !vm.protected && vm.host !== '';
}

function hasFailed(vm: Vm): boolean {
  return vm.last_job?.state === 'failed' || vm.last_job?.state === 'interrupted';
}

function isDamaged(vm: Vm): boolean {
  return vm.last_point?.has_known_damage === true;
}

function namesOf(vms: Vm[]): string {
  const names = vms.slice(0, kNamesShown).map((vm) => vm.name).join(', ');
  return vms.length > kNamesShown ? `${names} ${text.overview.moreProblems(vms.length - kNamesShown)}` : names;
}

/// To the one machine, or to the list of those that need attention.
function linkTo(vms: Vm[]): Pick<Concern, 'link' | 'action'> {
  const only = vms.length === 1 ? vms[0] : undefined;
  if (only) return { link: vmHref(only), action: text.overview.openVm };
  return { link: `${href('vms')}?show=attention`, action: text.overview.showThem };
}

function spaceConcerns(info: Info, growth: Growth): Concern[] {
  const shared = { link: href('repository'), action: text.overview.openRepository };
  if (info.free_bytes != null && info.capacity_bytes != null && info.free_bytes < info.capacity_bytes * kSpaceLowShare) {
    return [{ key: 'space', title: text.overview.spaceLow, note: text.overview.spaceNote(format.bytes(info.free_bytes)), tone: 'bad', ...shared }];
  }
  const days = growth.full_at === null ? Infinity : (Date.parse(growth.full_at) - Date.now()) / 86_400_000;
  if (days > kFullSoonDays) return [];
  const title = text.overview.fullSoon(format.inDays(days));
  const note = text.overview.fullNote(format.bytes(growth.bytes_per_day ?? 0), growth.based_on_days);
  return [{ key: 'space', title, note, tone: days > kFullVerySoonDays ? 'warning' : 'bad', ...shared }];
}

/// By the first part of a warning's id: the page that shows more of it.
const kWarningPages: Record<string, { page: string; action: string }> = {
  share: { page: 'hosts', action: text.hosts.title },
  certificate: { page: 'settings', action: text.settings.title },
  repository: { page: 'repository', action: text.overview.openRepository },
  login: { page: 'audit', action: text.audit.title },
};

/// What is wrong with the appliance itself.
export function warningConcern(warning: Warning): Concern {
  const { page, action } = kWarningPages[warning.id.split('.')[0] ?? ''] ?? { page: 'repository', action: text.overview.openRepository };
  const target = warning.job ? { link: href('jobs', warning.job), action: text.overview.openJob } : { link: href(page), action };
  return {
    key: `warning ${warning.id} ${warning.text}`,
    title: text.warnings[warning.id] ?? warning.text,
    note: `${warning.text}. ${warning.hint}`,
    tone: warning.severity === 'bad' ? 'bad' : 'warning',
    ...target,
  };
}

/// One concern per cause: a share that is full fails every machine with the same words.
function failureConcerns(failed: Vm[]): Concern[] {
  const causes = new Map<string, Vm[]>();
  for (const vm of failed) {
    const cause = vm.last_job?.error?.message ?? '';
    causes.set(cause, [...(causes.get(cause) ?? []), vm]);
  }
  return [...causes].map(([cause, vms]): Concern => {
    const first = vms[0]!;
    const job = first.last_job!;
    const kind = text.jobs.kinds[job.kind] ?? job.kind;
    const shared = { link: href('jobs', job.id), action: text.overview.openJob, tone: 'bad' as const };
    if (vms.length === 1) return { key: `job ${job.id}`, title: text.overview.failed(kind, first.name), note: cause, ...shared };
    const note = `${cause}: ${namesOf(vms)}`;
    return { key: `cause ${cause}`, title: text.overview.failedMany(kind, vms.length), note, ...shared };
  });
}

function damageConcerns(vms: Vm[]): Concern[] {
  const damaged = vms.filter(isDamaged);
  if (damaged.length === 0) return [];
  const title = text.overview.damaged(damaged.length);
  return [{ key: 'damaged', title, note: `${text.overview.damagedNote} ${namesOf(damaged)}`, tone: 'bad', ...linkTo(damaged) }];
}

function lateConcerns(late: Vm[]): Concern[] {
  if (late.length === 0) return [];
  const oldest = late.map((vm) => vm.late!.due).sort()[0]!;
  const note = `${text.overview.lateNote(format.dateTime(oldest))} ${namesOf(late)}`;
  return [{ key: 'late', title: text.overview.late(late.length), note, tone: 'warning', ...linkTo(late) }];
}

function hostConcerns(host: Host): Concern[] {
  if (!host.last_error) return [];
  const title = text.overview.hostSilent(host.name);
  return [{ key: `host ${host.name}`, title, note: host.last_error.message, link: href('hosts', host.name), action: text.overview.openHost, tone: 'warning' }];
}

function residueConcerns(vms: Vm[]): Concern[] {
  if (vms.length === 0) return [];
  const note = vms.length === 1 ? vms[0]!.residue.map((entry) => entry.text).join(' ') : `${text.overview.residueNote} ${namesOf(vms)}`;
  const names = vms.length === 1 ? vms[0]!.name : String(vms.length);
  return [{ key: 'residue', title: vms.length === 1 ? text.overview.residueOne(names) : text.overview.residue(vms.length), note, tone: 'warning', ...linkTo(vms) }];
}

function unprotectedConcerns(vms: Vm[]): Concern[] {
  if (vms.length === 0) return [];
  const note = `${text.overview.unprotectedNote} ${namesOf(vms)}`;
  const link = `${href('vms')}?show=unprotected`;
  return [{ key: 'unprotected', title: text.overview.unprotected(vms.length), note, link, action: text.overview.showThem, tone: 'warning' }];
}

/// The appliance's other sentences: what the concerns above say already is left out.
function otherConcerns(vm: Vm): Concern[] {
  if (hasFailed(vm)) return [];
  const told = new Set(vm.residue.map((entry) => entry.text));
  const others = vm.problems.filter((problem) => !told.has(problem) && !(vm.late && problem.startsWith('late:')));
  if (others.length === 0 || (isDamaged(vm) && others.length === 1)) return [];
  return [{ key: `${vm.host}/${vm.id}`, title: vm.name, note: others.join(' '), tone: 'warning', ...linkTo([vm]) }];
}
