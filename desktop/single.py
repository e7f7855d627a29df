"""One app per user: a second start brings the first one's window to the front and ends."""

import hashlib

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from ghostnote.files.paths import user_dir

CALL_MS = 500


class SingleInstance(QObject):
    """Holds the user's lock, and is notified of further starts."""

    called = Signal()
    """The app was started once more."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        folder = user_dir()
        folder.mkdir(parents=True, exist_ok=True)
        self._name = "ghostnote-" + hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        self._lock = QLockFile(str(folder / "app.lock"))
        self._lock.setStaleLockTime(0)  # stale only when its process is gone
        self._server = QLocalServer(self)
        self._server.newConnection.connect(self._heard)

    def first(self) -> bool:
        """Whether this is the only app; if not, the other one is notified."""
        if not self._lock.tryLock(0):
            caller = QLocalSocket()
            caller.connectToServer(self._name)
            caller.waitForConnected(CALL_MS)
            caller.disconnectFromServer()
            return False
        QLocalServer.removeServer(self._name)
        self._server.listen(self._name)
        return True

    def release(self) -> None:
        """Release the lock."""
        self._server.close()
        self._lock.unlock()

    def _heard(self) -> None:
        self._server.nextPendingConnection().deleteLater()
        self.called.emit()
