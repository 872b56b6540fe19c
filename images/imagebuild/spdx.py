"""The list of what an image is made of, as SPDX 2.3."""

import json
import time

from .lockfile import of_group

# Of the packages that compile, those whose code ends up in the program.
LINKED = ("libc6-dev", "libssl-dev", "libc-ares-dev", "libcap-ng-dev")


def package(number, name, version, purl, checksum=None):
    """One package; nothing is claimed about licences that the packages' own files say."""
    row = {"SPDXID": f"SPDXRef-{number}", "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
           "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
           "copyrightText": "NOASSERTION",
           "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                             "referenceLocator": purl}]}
    if checksum:
        row["checksums"] = [{"algorithm": "SHA256", "checksumValue": checksum}]
    return row


def entries(lock, image, arch):
    """Entries of the lock that are in an image of an architecture."""
    found = of_group(lock, "sources") + of_group(lock, "daemon")
    found += [e for e in of_group(lock, "libraries", arch=arch) if e.name in LINKED]
    if image == "tailboot":
        found += of_group(lock, "base", "tailboot", arch=arch)
    else:
        found += [e for e in of_group(lock, "base", "tailboot", arch=arch) if e.name == "ca-certificates"]
    return sorted(found)


def rows(lock, image, arch, version):
    """Packages of the document, ours first."""
    yield package("tailboot", "tailboot", version, f"pkg:generic/tailboot@{version}")
    for number, entry in enumerate(entries(lock, image, arch)):
        name = entry.version.replace("+", "%2B")
        if entry.kind == "module":
            yield package(number, entry.name, entry.version, f"pkg:golang/{entry.name}@{name}")
        elif entry.kind == "toolchain":
            yield package(number, "go standard library", entry.version, f"pkg:golang/stdlib@{name[2:]}")
        else:
            kind = "source" if entry.kind == "source" else arch
            yield package(number, entry.filename if kind == "source" else entry.name, entry.version,
                          f"pkg:deb/debian/{entry.name}@{name}?arch={kind}&distro=bookworm", entry.hash)


def document(lock, image, arch, version, digest, epoch):
    """The whole text."""
    packages = list(rows(lock, image, arch, version))
    root = dict(package("image", f"{image}-{arch}", version, f"pkg:oci/{image}@{digest}?arch={arch}",
                        digest.split(":")[1]), primaryPackagePurpose="CONTAINER")
    return json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{image}-{arch}", "documentNamespace": f"https://tailboot.example/spdx/{image}-{arch}-{digest[7:]}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)),
                         "creators": ["Tool: images/build"]},
        "packages": [root, *packages],
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": "SPDXRef-image"}]
                         + [{"spdxElementId": "SPDXRef-image", "relationshipType": "CONTAINS",
                             "relatedSpdxElement": row["SPDXID"]} for row in packages],
    }, indent=1, sort_keys=True) + "\n"
