/*
 * Actions of the node's table that concern a login: `tailscale up` and `set`, waiting for a
 * person, a new auth key, and what is tried when the node has left Running.
 */
#ifndef BOOT_NODE_LOGIN_H
#define BOOT_NODE_LOGIN_H

struct supervisor;

void node_run_up(struct supervisor *s);
void node_up_done(struct supervisor *s);
void node_up_failed(struct supervisor *s);
void node_run_set(struct supervisor *s);
void node_set_failed(struct supervisor *s);

void node_judge_login(struct supervisor *s);
void node_judge_refusal(struct supervisor *s);
void node_judge_recovery(struct supervisor *s);
void node_show_approval(struct supervisor *s);
void node_show_state(struct supervisor *s);

void node_start_reissue(struct supervisor *s);
void node_key_issued(struct supervisor *s);
void node_key_failed(struct supervisor *s);
void node_cancel_reissue(struct supervisor *s);

#endif
