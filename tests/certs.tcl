# certs.tcl --
#
#	Makes the certificates of the test suite with the openssl command line.
#	None is kept in the repository: they would expire.
#
#	certs::dir	the folder with all of them.  all.tcl makes them once for
#			all the files and names the folder in PYOSSL_CERTS; a
#			test file that is run alone makes its own.
#	certs::make DIR	makes them there.
#
#	It can be run by hand too: tclsh tests/certs.tcl DIR
#
#	What there is (X.pem a certificate, X.key its key):
#
#	ca ca2		root authorities; nothing trusts ca2
#	inter		an intermediate authority under ca
#	server		RSA 2048, for localhost, 127.0.0.1 and ::1, by inter;
#			server-chain.pem has inter behind it; server-enc.key is
#			its key under the passphrase "secret"; server-der.pem
#			is not PEM but DER, and so is server-der.key
#	server-ec	the same on P-256, by inter, with server-ec-chain.pem
#	server-dsa server-ed25519	the same on DSA and Ed25519, by ca
#	server2		for localhost, by ca2
#	wild		for *.wild.example and wild.example
#	wronghost	for other.example only
#	expired notyet	for localhost, of the year 2020, of the year 2090
#	clientonly	for localhost, but only good for clients
#	selfsigned	for localhost, by itself
#	revoked		for localhost; crl.pem of ca lists it and client-revoked
#	client client-ec	for clients, RSA and P-256, by ca
#	client2		for clients, by ca2
#	client-expired client-notyet client-revoked
#			for clients, by ca: as expired, notyet, revoked
#
#	All but server and client are on P-256, since RSA keys take time.

package require Tcl 8.6-

namespace eval certs {
    variable serial 100
}

# The folder with the certificates, made if it is not there yet.
proc certs::dir {} {
    variable made
    if {[info exists made]} {
	return $made
    }
    if {[info exists ::env(PYOSSL_CERTS)]} {
	set dir $::env(PYOSSL_CERTS)
    } else {
	set dir [file join [tempdir] certs]
    }
    if {![file exists $dir]} {
	# Made beside its place and renamed, so that nobody ever sees half of
	# it; of two that make it at once the first one wins.
	set new $dir.[pid]
	make $new
	if {[catch {file rename $new $dir}] && ![file exists $dir]} {
	    return -code error "cannot make the certificates in $dir"
	}
	file delete -force $new
    }
    set made $dir
    return $dir
}

# Makes all the certificates in a new folder.
proc certs::make {dir} {
    variable work [file normalize $dir]
    variable san
    file mkdir $work [file join $work issued]
    write openssl.cnf [config]
    write index.txt ""
    write index.txt.attr "unique_subject = no\n"
    set localhost DNS:localhost,IP:127.0.0.1,IP:::1

    root ca "/C=XX/O=pyossl test/CN=pyossl test CA"
    root ca2 "/C=XX/O=pyossl test/CN=pyossl other CA"
    key inter EC
    issue inter ca "/C=XX/O=pyossl test/CN=pyossl intermediate CA" -extensions v3_ca

    leaf server inter RSA server $localhost
    leaf server-ec inter EC server $localhost
    leaf server-dsa ca DSA server $localhost
    leaf server-ed25519 ca ED25519 server $localhost
    leaf server2 ca2 EC server $localhost
    leaf wild ca EC server DNS:*.wild.example,DNS:wild.example
    leaf wronghost ca EC server DNS:other.example
    leaf expired ca EC server $localhost \
	    -startdate 20200101000000Z -enddate 20200201000000Z
    leaf notyet ca EC server $localhost \
	    -startdate 20900101000000Z -enddate 20910101000000Z
    leaf clientonly ca EC client $localhost
    leaf revoked ca EC server $localhost
    leaf client ca RSA client email:client@example.org
    leaf client-ec ca EC client email:client-ec@example.org
    leaf client2 ca2 EC client email:client2@example.org
    leaf client-expired ca EC client email:client@example.org \
	    -startdate 20200101000000Z -enddate 20200201000000Z
    leaf client-notyet ca EC client email:client@example.org \
	    -startdate 20900101000000Z -enddate 20910101000000Z
    leaf client-revoked ca EC client email:client@example.org

    key selfsigned EC
    set san $localhost
    openssl req -x509 -new -config openssl.cnf -key selfsigned.key \
	    -out selfsigned.pem -days 3650 -subj /CN=localhost -extensions v3_self

    concatenate server-chain.pem server.pem inter.pem
    concatenate server-ec-chain.pem server-ec.pem inter.pem
    openssl pkey -in server.key -aes128 -passout pass:secret -out server-enc.key
    openssl pkey -in server.key -outform DER -out server-der.key
    openssl x509 -in server.pem -outform DER -out server-der.pem
    foreach name {revoked client-revoked} {
	openssl ca -config openssl.cnf -cert ca.pem -keyfile ca.key \
		-revoke $name.pem -crl_reason keyCompromise
    }
    openssl ca -config openssl.cnf -cert ca.pem -keyfile ca.key \
	    -gencrl -crldays 3650 -out crl.pem
    file delete -force {*}[lmap name {
	issued dsaparam.pem openssl.log index.txt index.txt.old
	index.txt.attr index.txt.attr.old
    } {file join $work $name}]
}

# The one configuration file.  The names of a certificate come from the
# environment, since "openssl ca" cannot take them otherwise.
proc certs::config {} {
    return {
[ca]
default_ca = local
[local]
database = index.txt
new_certs_dir = issued
rand_serial = yes
default_md = sha256
default_days = 3650
policy = anything
email_in_dn = no
unique_subject = no
[anything]
countryName = optional
organizationName = optional
commonName = optional
[req]
distinguished_name = dn
prompt = no
[dn]
[v3_ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[v3_root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[v3_server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $ENV::CERTS_SAN
[v3_client]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $ENV::CERTS_SAN
[v3_self]
basicConstraints = critical,CA:FALSE
subjectAltName = $ENV::CERTS_SAN
}
}

# A self-signed authority.
proc certs::root {name subject} {
    key $name EC
    openssl req -x509 -new -config openssl.cnf -key $name.key -out $name.pem \
	    -days 3650 -subj $subject -extensions v3_root
}

# A key of the given type.
proc certs::key {name type} {
    switch -- $type {
	EC {
	    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		    -out $name.key
	}
	RSA {
	    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
		    -out $name.key
	}
	DSA {
	    write dsaparam.pem [dsaParameters]
	    openssl genpkey -paramfile dsaparam.pem -out $name.key
	}
	default {
	    openssl genpkey -algorithm $type -out $name.key
	}
    }
}

# Finding DSA parameters takes a second or more, and they are no secret.
proc certs::dsaParameters {} {
    return {-----BEGIN DSA PARAMETERS-----
MIICLAKCAQEA6NsezP/UMv/BHvgjyqDPMdUSQXoRfXMt7wa0azy/Ouc0w2fhwzBc
lfLbxsGPfrm/qhu7rguKt0p3LdPD+DBd2tCooE2xSRh+op5T6r+S16bNJXEhYpgd
f9iDOYZdNA7GMVyTTqY8shfiaWs4SL5ktpJy+HbPDO+VBUVDnzpb99qgquPcTvlr
Yg1z849ywQCuiEO7Y7Qy2Zr7MuN8EE+D1SiicYaPZePsnyeQEJvmzdXUudrh/ro0
xm0WhIpHQ6vITXbkBGTkEWgovz0p80JzyjZuXxAROjizGhAvfFyH+cLeU+BYq1Vk
PbKbk7svBJR53TQrsuEY9N0q1WRmF97BpwIhALFrdkNBEwFLLyjAz7OI5LkEPkYl
zYU92busDQZLBWIjAoIBACWuRoiWhXUjmoe5wuzJ1dexsJklNv176hTT9y6bZW4W
GCWQbdl25xyKaP7U2Nrbxv1/daIWxTp2EXoRgmzhkKpDdjWsCOBhzO7NLabqGW4L
W1bgTcBwfbqXmJ1dQNYj+Oh4nDpFI8pp5NZlHe3i4MfvNewPoPPPR3H563Q4/6aL
ZdHnSK+VZxP2ogx1plWjs6ylInpYGDCoT8sJAcThiwzhTtV/osQUvAZxW0YchF2G
wA7slf148SMAcySGbN0x7UkzechdjsLbst5kFbAXt+8zxZ3dq/OVIs2nSxGzvfZw
dO9L09fzxkxtBj11Jymu0gcLdrht2gPHIN4158tdTS8=
-----END DSA PARAMETERS-----
}
}

# A certificate for an end entity: its key, and the signature of the issuer.
proc certs::leaf {name issuer type purpose names args} {
    variable san $names
    key $name $type
    if {$purpose eq "server"} {
	set host [lindex [split [lindex [split $names ,] 0] :] 1]
    } else {
	set host $name
    }
    issue $name $issuer "/C=XX/O=pyossl test/CN=$host" \
	    -extensions v3_$purpose {*}$args
}

# Has the issuer sign a certificate for a key that is there.
proc certs::issue {name issuer subject args} {
    openssl req -new -config openssl.cnf -key $name.key -subj $subject \
	    -out $name.csr
    openssl ca -batch -notext -config openssl.cnf -cert $issuer.pem \
	    -keyfile $issuer.key -in $name.csr -out $name.pem {*}$args
    variable work
    file delete [file join $work $name.csr]
}

# Runs openssl in the working folder.
proc certs::openssl {args} {
    variable work
    variable san
    set ::env(CERTS_SAN) [expr {[info exists san] ? $san : "DNS:none.example"}]
    set here [pwd]
    cd $work
    try {
	exec -ignorestderr openssl {*}$args 2>openssl.log
    } on error {message options} {
	set channel [open openssl.log]
	append message "\nopenssl $args\n" [read $channel]
	close $channel
	return -code error $message
    } finally {
	cd $here
	unset ::env(CERTS_SAN)
    }
}

# Writes a file into the working folder.
proc certs::write {name text} {
    variable work
    set channel [open [file join $work $name] w]
    fconfigure $channel -translation lf
    puts -nonewline $channel $text
    close $channel
}

# One file after the other.
proc certs::concatenate {target args} {
    variable work
    set text ""
    foreach name $args {
	set channel [open [file join $work $name]]
	append text [read $channel]
	close $channel
    }
    write $target $text
}

if {[info exists ::argv0] && [file normalize $::argv0] eq [file normalize [info script]]} {
    if {[llength $::argv] != 1} {
	puts stderr "usage: certs.tcl DIR"
	exit 2
    }
    certs::make [lindex $::argv 0]
}
