// How the stand-in appliance says no: a problem document.
export class Refusal extends Error {
  constructor(status, code, detail, hint = '', type = 'about:blank') {
    super(detail);
    this.problem = { type, title: code, status, detail, code, hint, context: [] };
  }
}
