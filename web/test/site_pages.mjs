// Every page of the console, by the addresses that the stand-in's sites have.
import { longSite, ordinarySite } from './fixtures.mjs';

const ordinary = ordinarySite();
export const kPages = {
  overview: '#/',
  vms: '#/vms',
  vm: `#/vms/${ordinary.vms[0].id}`,
  vm_disks: `#/vms/${ordinary.vms[1].id}`,
  point: `#/points/${ordinary.points[3].id}`,
  point_disagrees: `#/points/${ordinary.points[1].id}`,
  restore: '#/restore',
  restore_moment: `#/restore?vm=${ordinary.vms[0].id}`,
  restore_target: `#/restore/${ordinary.points[2].id}`,
  restore_vm: `#/restore-vm/${ordinary.points[2].id}`,
  files: '#/files',
  files_search: '#/files?name=budget',
  files_search_none: '#/files?name=nowhere-to-be-found',
  files_versions: `#/files/${ordinary.points[0].id}/0/2/Users/anna/Documents/budget%202026.xlsx?view=versions`,
  files_moment: `#/files?vm=${ordinary.vms[0].id}`,
  files_disks: `#/files/${ordinary.points[0].id}/0`,
  files_folder: `#/files/${ordinary.points[0].id}/0/2/`,
  files_odd: `#/files/${ordinary.points[0].id}/0/2/odd`,
  files_deep: `#/files/${ordinary.points[0].id}/0/2/Users/anna/Documents/2026/November/reports/drafts/old/empty`,
  jobs: '#/jobs',
  job_running: '#/jobs/job-3',
  job_failed: '#/jobs/job-2',
  job_done: '#/jobs/job-1',
  job_doctor: '#/jobs/job-doctor',
  policies: '#/policies',
  hosts: '#/hosts',
  host: '#/hosts/hv01',
  repository: '#/repository',
  settings: '#/settings',
  access: '#/access',
  audit: '#/audit',
};

/// Those that are there before anything else is.
const kTops = ['overview', 'vms', 'restore', 'files', 'jobs', 'policies', 'hosts', 'repository', 'settings', 'access', 'audit'];
export const kEmptyPages = { ...Object.fromEntries(kTops.map((name) => [name, kPages[name]])), files_search: kPages.files_search };

const long = longSite();
export const kLongPages = {
  ...kEmptyPages,
  vm: `#/vms/${long.vms[0].id}`,
  point: `#/points/${long.points[0].id}`,
  restore_moment: `#/restore?vm=${long.vms[0].id}`,
  restore_target: `#/restore/${long.points[0].id}`,
  restore_vm: `#/restore-vm/${long.points[0].id}`,
  files_moment: `#/files?vm=${long.vms[0].id}`,
  files_versions: `#/files/${long.points[0].id}/0/2/Users/anna/Documents/budget%202026.xlsx?view=versions`,
  job: '#/jobs/job-7',
};
