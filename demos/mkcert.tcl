# mkcert.tcl --
#
#	Makes a certificate authority and certificates that it signs.
#
#	tclsh mkcert.tcl ?-dir FOLDER? ?-days N? ?-key TYPE? NAME ?NAME ...?
#
#	NAME is a host name or an address. Writes ca.pem and ca.key (kept if
#	they are there), and NAME.pem and NAME.key for each NAME. TYPE is a
#	curve (prime256v1), RSA:bits, or ED25519.  The exit status is 2 if that is
#	not how it is used, 1 if something cannot be made.

package require Tcl 8.6-
package require pyossl

namespace eval mkcert {
    variable dir .
    variable days 90
    variable keyType prime256v1
}

# A key of the type that was asked for.
proc mkcert::newKey {} {
    variable keyType
    set key [pyossl::pkey new]
    if {[string match -nocase rsa:* $keyType]} {
	$key generate_key RSA [lindex [split $keyType :] 1]
    } elseif {$keyType in {ED25519 ED448}} {
	$key generate_key $keyType
    } else {
	$key generate_key EC $keyType
    }
    return $key
}

# A certificate that is not signed yet: a random serial number of 16 bytes,
# valid from now on.
proc mkcert::newCert {commonName key} {
    variable days
    set cert [pyossl::x509 new]
    binary scan [pyossl::rand bytes 15] H* serial
    $cert set_version 2
    $cert set_serial_number 0x01$serial
    $cert gmtime_adj_notBefore -60
    $cert gmtime_adj_notAfter [expr {$days * 86400}]
    $cert set_pubkey $key
    set subject [$cert get_subject]
    $subject organizationName "mkcert demo"
    $subject commonName $commonName
    $subject destroy
    return $cert
}

# Adds {type critical value} rows; issuer is a certificate.
proc mkcert::extend {cert issuer rows} {
    foreach row $rows {
	lassign $row type critical value
	set extension [pyossl::x509ext new $type $critical $value \
	    -subject $cert -issuer $issuer]
	$cert add_extensions [list $extension]
	$extension destroy
    }
}

# Signs with what the key can: the Edwards curves bring their own digest.
proc mkcert::sign {cert key} {
    $cert sign $key sha256
}

proc mkcert::write {file mode data} {
    set channel [open $file {WRONLY CREAT TRUNC} $mode]
    puts -nonewline $channel $data
    close $channel
}

proc mkcert::read {file} {
    set channel [open $file]
    set data [::read $channel]
    close $channel
    return $data
}

proc mkcert::save {name cert key} {
    variable dir
    write [file join $dir $name.key] 0o600 [pyossl::dump_privatekey PEM $key]
    write [file join $dir $name.pem] 0o644 [pyossl::dump_certificate PEM $cert]
}

# {certificate key} of the authority, made at the first call in a folder.
proc mkcert::authority {} {
    variable dir
    set certFile [file join $dir ca.pem]
    set keyFile [file join $dir ca.key]
    if {[file exists $certFile] && [file exists $keyFile]} {
	return [list [pyossl::load_certificate PEM [read $certFile]] \
	    [pyossl::load_privatekey PEM [read $keyFile]]]
    }
    set key [newKey]
    set cert [newCert "mkcert demo CA" $key]
    set subject [$cert get_subject]
    $cert set_issuer $subject
    $subject destroy
    extend $cert $cert {
	{basicConstraints 1 CA:TRUE}
	{keyUsage 1 {keyCertSign, cRLSign}}
	{subjectKeyIdentifier 0 hash}
    }
    sign $cert $key
    save ca $cert $key
    puts "made the authority $certFile"
    return [list $cert $key]
}

# The subjectAltName for a host name or an address.
proc mkcert::altName {name} {
    if {[regexp {^[0-9.]+$|:} $name]} {
	return IP:$name
    }
    return DNS:$name
}

proc mkcert::issue {name caCert caKey} {
    set key [newKey]
    set cert [newCert $name $key]
    set issuer [$caCert get_subject]
    $cert set_issuer $issuer
    $issuer destroy
    extend $cert $caCert [list \
	{basicConstraints 1 CA:FALSE} \
	{keyUsage 1 digitalSignature} \
	{extendedKeyUsage 0 {serverAuth, clientAuth}} \
	[list subjectAltName 0 [altName $name]] \
	{authorityKeyIdentifier 0 keyid}]
    sign $cert $caKey
    save $name $cert $key
    puts "made $name.pem, serial number [$cert get_serial_number],\
	until [$cert get_notAfter]"
    $cert destroy
    $key destroy
}

# Whether a word can be the name of a host and of its files.
proc mkcert::isName {word} {
    return [regexp {^[^-/\\\s][^/\\\s]*$} $word]
}

# Says what is wrong with the arguments, in one line.
proc mkcert::refuse {trouble} {
    puts stderr $trouble
    return 2
}

proc mkcert::main {arguments} {
    variable dir
    variable days
    variable keyType
    set usage "usage: mkcert.tcl ?-dir FOLDER? ?-days N? ?-key TYPE?\
	NAME ?NAME ...?"
    set variables {-dir dir -days days -key keyType}
    set names {}
    while {[llength $arguments] > 0} {
	set arguments [lassign $arguments word]
	if {![string match -* $word]} {
	    lappend names $word
	} elseif {[dict exists $variables $word] && [llength $arguments] > 0} {
	    set arguments [lassign $arguments [dict get $variables $word]]
	} else {
	    return [refuse $usage]
	}
    }
    if {[llength $names] == 0} {
	return [refuse $usage]
    }
    if {![regexp {^[1-9]\d*$} $days]} {
	return [refuse "mkcert.tcl: -days must be a number of days,\
	    not \"$days\""]
    }
    # Before anything is written: names become those of files.
    foreach name $names {
	if {![isName $name]} {
	    return [refuse "mkcert.tcl: \"$name\" is no name of a host"]
	}
    }
    try {
	file mkdir $dir
	lassign [authority] caCert caKey
	foreach name $names {
	    issue $name $caCert $caKey
	}
    } on error message {
	puts stderr "mkcert.tcl: $message"
	return 1
    }
    return 0
}

exit [mkcert::main $argv]
