"""tests/drive/engine_drive: a controller with one small feature."""

from drive.driven import Driven

from . import settings, wait


class EngineDrive(Driven):
    """One running controller; its log goes to a file."""

    def __init__(self, program, account, network, namespace, log):
        self._log = log
        command = [str(program), str(account), settings.HUB_ADDRESS, "443", namespace]
        super().__init__(["sh", "-c", 'exec 2>>"$0"; exec "$@"', str(log),
                          "nsenter", f"--net=/run/netns/{network}", "--", *command])

    def wait_synced(self, deadline=40):
        """All caches are complete; returns the number of requests by then."""

        def synced():
            assert self.ended() is None, f"the controller ended: {self.ended()}"
            return self.find(event="synced")

        return wait.wait_for(synced, deadline, "all caches are complete", interval=0.02)["requests"]

    def kill(self):
        """Ends it in the midst of what it does."""
        self._child.kill()
        self._child.wait(10)

    def count(self):
        """Requests, keys handled, keys that wait."""
        before = len(self.events)
        self.say(do="count")
        return wait.wait_for(lambda: self.find(before, event="count"), 20, "the numbers", interval=0.01)

    def log(self, event_text):
        """Lines of its log that have this text."""
        return [line for line in self._log.read_text().splitlines() if event_text in line]
