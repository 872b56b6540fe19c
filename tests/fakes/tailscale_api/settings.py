"""Settings of the tailnet: `/api/v2/tailnet/-/settings`."""

from ..httpserver import Reply
from .answers import ApiError, body_of

_DEFAULT = {
    "aclsExternallyManagedOn": False, "aclsExternalLink": "", "devicesApprovalOn": False,
    "devicesAutoUpdatesOn": False, "devicesKeyDurationDays": 180, "usersApprovalOn": False,
    "usersRoleAllowedToJoinExternalTailnets": "admin", "networkFlowLoggingOn": False, "regionalRoutingOn": False,
    "postureIdentityCollectionOn": False, "httpsEnabled": False,
}


class Settings:
    """A flat document with a fixed set of fields."""

    def __init__(self):
        self.values = dict(_DEFAULT)

    def get(self, _request, _token, _parts):
        """GET of all."""
        return Reply.of_json(self.values)

    def patch(self, request, _token, _parts):
        """PATCH of some."""
        asked = {name: value for name, value in body_of(request).items() if value is not None}
        wrong = sorted(name for name, value in asked.items()
                       if name not in _DEFAULT or type(value) is not type(_DEFAULT[name]))
        if wrong:
            raise ApiError(400, f"unknown settings or values of the wrong type: {wrong}")
        self.values.update(asked)
        return self.get(request, None, None)
