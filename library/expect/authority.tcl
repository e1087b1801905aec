# authority.tcl --
#
#	A throw-away authority, and certificates by it for localhost, 127.0.0.1
#	and ::1. They are made at the first need, once in a process, and live as
#	long as it does.

namespace eval ::pyossl::expect::authority {
    variable made {}		;# dict: key type -> {certificate PEM key PEM}
    variable files {}		;# dict: contents -> path
}

# authority::issue ?type? --
#	A certificate for a server on this machine.
# Arguments:
#	type	EC (default), RSA or ED25519
# Results:
#	A dict: certificate and key, both PEM.
# Errors:
#	PYOSSL EXPECT VALUE for another type.
proc ::pyossl::expect::authority::issue {{type EC}} {
    variable made
    if {$type ni {EC RSA ED25519}} {
	return -code error -errorcode [list PYOSSL EXPECT VALUE $type] \
	    "a key type must be EC, RSA or ED25519, not \"$type\""
    }
    if {![dict exists $made $type]} {
	ca
	set authority [::pyossl::load_certificate PEM \
	    [dict get $made ca certificate]]
	set authorityKey [::pyossl::load_privatekey PEM \
	    [dict get $made ca key]]
	set key [Key $type]
	set cert [Certificate localhost $key]
	set issuer [$authority get_subject]
	$cert set_issuer $issuer
	$cert add_extensions [Extensions $cert $authority {
	    basicConstraints CA:FALSE
	    extendedKeyUsage serverAuth,clientAuth
	    subjectAltName DNS:localhost,IP:127.0.0.1,IP:::1
	    subjectKeyIdentifier hash
	    authorityKeyIdentifier keyid
	}]
	$cert sign $authorityKey sha256
	dict set made $type [dict create \
	    certificate [::pyossl::dump_certificate PEM $cert] \
	    key [::pyossl::dump_privatekey PEM $key]]
	foreach object [list $authority $authorityKey $issuer $cert $key] {
	    $object destroy
	}
    }
    return [dict get $made $type]
}

# authority::ca -- the authority's certificate, PEM.
proc ::pyossl::expect::authority::ca {} {
    variable made
    if {![dict exists $made ca]} {
	set key [Key EC]
	set cert [Certificate "pyossl::expect throw-away authority" $key]
	set subject [$cert get_subject]
	$cert set_issuer $subject
	$cert add_extensions [Extensions $cert $cert {
	    basicConstraints critical,CA:TRUE
	    keyUsage critical,keyCertSign,cRLSign
	    subjectKeyIdentifier hash
	}]
	$cert sign $key sha256
	dict set made ca [dict create \
	    certificate [::pyossl::dump_certificate PEM $cert] \
	    key [::pyossl::dump_privatekey PEM $key]]
	foreach object [list $subject $cert $key] {
	    $object destroy
	}
    }
    return [dict get $made ca certificate]
}

# authority::cafile -- the same as a file, which goes when the process ends.
proc ::pyossl::expect::authority::cafile {} {
    return [file [ca]]
}

# authority::file contents -- a temporary file with these contents.
proc ::pyossl::expect::authority::file {contents} {
    variable files
    if {[dict exists $files $contents]
	    && [::file exists [dict get $files $contents]]} {
	return [dict get $files $contents]
    }
    if {[dict size $files] == 0} {
	# Tcl has no hook for its end but this one.
	trace add execution ::exit enter ::pyossl::expect::authority::Tidy
    }
    set channel [::file tempfile path pyossl.pem]
    puts -nonewline $channel $contents
    close $channel
    dict set files $contents $path
    return $path
}

proc ::pyossl::expect::authority::Tidy {args} {
    variable files
    dict for {- path} $files {
	catch {::file delete $path}
    }
    set files {}
}

proc ::pyossl::expect::authority::Key {type} {
    set key [::pyossl::pkey new]
    switch -- $type {
	EC { $key generate_key EC P-256 }
	RSA { $key generate_key RSA 2048 }
	ED25519 { $key generate_key ED25519 }
    }
    return $key
}

# A certificate that is yet to be signed.
proc ::pyossl::expect::authority::Certificate {name key} {
    set cert [::pyossl::x509 new]
    $cert set_version 2
    binary scan [::pyossl::rand bytes 8] Wu serial
    $cert set_serial_number [expr {($serial >> 2) + 1}]
    set subject [$cert get_subject]
    $subject commonName $name
    $subject destroy
    # An hour for clocks that differ.
    $cert gmtime_adj_notBefore -3600
    $cert gmtime_adj_notAfter 2592000
    $cert set_pubkey $key
    return $cert
}

proc ::pyossl::expect::authority::Extensions {cert issuer rows} {
    set extensions {}
    foreach {name value} $rows {
	set critical [string match critical,* $value]
	set value [regsub {^critical,} $value {}]
	lappend extensions [::pyossl::x509ext new $name $critical $value \
	    -subject $cert -issuer $issuer]
    }
    return $extensions
}
